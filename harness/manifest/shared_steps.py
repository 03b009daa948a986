"""Parts: steps that several methods share, and how a method is put together with those it uses."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.manifest.model import Method, Part, Step, Use
from harness.manifest.yaml_source import KeyPath, YamlSource


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a step of a method stands: its file, and its place in that file's `steps`."""

    source: YamlSource
    index: int


def assemble(
    method: Method, source: YamlSource, parts: Sequence[tuple[Part, YamlSource]]
) -> tuple[Method, tuple[Origin, ...]]:
    """Join a method with the parts it uses (in the order of `method.parts`), its own steps first.

    A step's input `given.NAME` becomes what the method gives under that name, and the use's
    backbones become the step's. Raises ManifestError where the method gives too little or too much,
    or where method and parts name an option, a parameter or a repository twice.
    """
    steps = [*method.steps]
    origins = [Origin(source, index) for index in range(len(method.steps))]
    tables: dict[str, Any] = {
        name: dict(getattr(method, name)) for name in ("repositories", "options", "parameters")
    }
    for index, (use, (part, part_source)) in enumerate(zip(method.parts, parts, strict=True)):
        where: KeyPath = ("parts", index)
        _check_given(use, part, source, where)
        for name, table in tables.items():
            _join(table, getattr(part, name), source, (*where, name))
        steps += [_bound(step, use) for step in part.steps]
        origins += [Origin(part_source, number) for number in range(len(part.steps))]
    whole = dataclasses.replace(method, steps=tuple(steps), **tables)
    return whole, tuple(origins)


def _check_given(use: Use, part: Part, source: YamlSource, where: KeyPath) -> None:
    for name in part.given.keys() - use.given.keys():
        raise source.error(
            where, f"part {part.part!r} needs {name!r}", hint=f"give it: {part.given[name]}"
        )
    for name in use.given.keys() - part.given.keys():
        raise source.error(
            (*where, "given", name),
            f"part {part.part!r} takes no {name!r}",
            hint=f"it takes: {', '.join(sorted(part.given)) or 'nothing'}",
        )


def _join(
    table: dict[str, Any], more: Mapping[str, Any], source: YamlSource, where: KeyPath
) -> None:
    for name, entry in more.items():
        if table.get(name, entry) != entry:
            raise source.error(
                where, f"{name!r} stands in the method or another part too", hint="rename one"
            )
        table[name] = entry


def _bound(step: Step, use: Use) -> Step:
    inputs = {name: _given(text, use.given) for name, text in step.inputs.items()}
    return dataclasses.replace(step, inputs=inputs, backbones=use.backbones or step.backbones)


def _given(reference: str, given: Mapping[str, str]) -> str:
    head, slash, path = reference.partition("/")
    kind, _, name = head.partition(".")
    return given[name] + slash + path if kind == "given" else reference
