"""Steps that several methods share: join a method with those that it uses."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.manifest.model import Method, SharedSteps, Step, Use
from harness.manifest.yaml_document import KeyPath
from harness.manifest.yaml_source import YamlSource


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a step of a method is written: its file, and its place in that file's `steps`."""

    source: YamlSource
    index: int


def assemble(
    method: Method, source: YamlSource, shared: Sequence[tuple[SharedSteps, YamlSource]]
) -> tuple[Method, tuple[Origin, ...]]:
    """Join a method with the steps it shares (in the order of `method.uses`), its own steps first.

    A step's input `given.NAME` becomes what the method gives under that name, and the use's
    backbones become the step's. Raises ManifestError where the method gives too little or too much,
    or where method and shared steps name an option, a parameter or a repository twice.
    """
    steps = [*method.steps]
    origins = [Origin(source, index) for index in range(len(method.steps))]
    tables: dict[str, Any] = {
        name: dict(getattr(method, name)) for name in ("repositories", "options", "parameters")
    }
    for index, (use, (steps_of, its_source)) in enumerate(zip(method.uses, shared, strict=True)):
        where: KeyPath = ("uses", index)
        _check_given(use, steps_of, source, where)
        for name, table in tables.items():
            _join(table, getattr(steps_of, name), source, (*where, name))
        steps += [_bound(step, use) for step in steps_of.steps]
        origins += [Origin(its_source, number) for number in range(len(steps_of.steps))]
    whole = dataclasses.replace(method, steps=tuple(steps), **tables)
    return whole, tuple(origins)


def _check_given(use: Use, shared: SharedSteps, source: YamlSource, where: KeyPath) -> None:
    for name in shared.given.keys() - use.given.keys():
        raise source.error(
            where,
            f"shared steps {shared.shared_steps!r} need {name!r}",
            hint=f"give it: {shared.given[name]}",
        )
    for name in use.given.keys() - shared.given.keys():
        raise source.error(
            (*where, "given", name),
            f"shared steps {shared.shared_steps!r} take no {name!r}",
            hint=f"they take: {', '.join(sorted(shared.given)) or 'nothing'}",
        )


def _join(
    table: dict[str, Any], more: Mapping[str, Any], source: YamlSource, where: KeyPath
) -> None:
    for name, entry in more.items():
        if table.get(name, entry) != entry:
            raise source.error(
                where, f"{name!r} is in the method or in other shared steps too", hint="rename one"
            )
        table[name] = entry


def _bound(step: Step, use: Use) -> Step:
    inputs = {name: _given(text, use.given) for name, text in step.inputs.items()}
    return dataclasses.replace(step, inputs=inputs, backbones=use.backbones or step.backbones)


def _given(reference: str, given: Mapping[str, str]) -> str:
    head, slash, path = reference.partition("/")
    kind, _, name = head.partition(".")
    return given[name] + slash + path if kind == "given" else reference
