"""References of inputs and the templates of a step: read, expanded over options, listed."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.manifest.model import Arguments, Choice, Method, Option, Step
from harness.manifest.placeholders import placeholders
from harness.manifest.yaml_document import KeyPath


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference of an input."""

    kind: str  # steps | assets | repos
    name: str
    output: str = ""  # of a step
    path: str = "."


def parse_reference(text: str) -> Reference:
    """Split `steps.NAME.OUTPUT`, `assets.NAME[/path]` or `repos.NAME[/path]`."""
    head, _, path = text.partition("/")
    kind, _, rest = head.partition(".")
    name, _, output = rest.partition(".")
    return Reference(kind, name, output, path or ".")


def possible(
    text: str, options: Mapping[str, Option], *, by_default: bool = False
) -> tuple[Reference, ...]:
    """The references that an input's text can become, as `expansions`."""
    return tuple(map(parse_reference, expansions(text, options, by_default=by_default)))


def expansions(
    text: str, options: Mapping[str, Option], *, by_default: bool = False
) -> tuple[str, ...]:
    """What a text can become: one for each choice of the option it names.

    `by_default` leaves the default choice alone.
    """
    names = placeholders(text)
    if not names:
        return (text,)
    _, name, field = names[0].split(".")
    option = options[name]
    chosen = (option.default,) if by_default else tuple(option.choices)
    values = [option.choices[choice].fields[field] for choice in chosen]
    return tuple(text.replace(f"{{{names[0]}}}", value) for value in values)


def is_choice(text: str) -> bool:
    """Whether `expansions` can expand it: no placeholder, or one that is a field of an option."""
    names = placeholders(text)
    return not names or (len(names) == 1 and re.fullmatch(r"o\.[^.]+\.[^.]+", names[0]) is not None)


def listed(choice: Choice) -> frozenset[str]:
    """The steps that a choice of `seed_option` or `losses_option` lists."""
    return frozenset(name.strip() for name in choice.fields["steps"].split(","))


def used_assets(method: Method, *, by_default: bool = False) -> set[str]:
    """The assets that the method's steps name; `by_default`: with no option set, no test split."""
    return {
        reference.name
        for step in method.steps
        if not (by_default and step.test)
        for text in step.inputs.values()
        for reference in possible(text, method.options, by_default=by_default)
        if reference.kind == "assets"
    }


def texts(step: Step) -> Iterator[tuple[KeyPath, str]]:
    """Every template of a step with its place."""
    yield from _command_texts(step)
    for name, text in step.inputs.items():
        yield ("inputs", name), text
    if step.score is not None:
        yield ("score",), step.score
    yield from _amount_texts(step)
    if step.shards is not None:
        yield ("shards", "by"), step.shards.by
    for name, output in step.outputs.items():
        for field in dataclasses.fields(output.contract):
            text = getattr(output.contract, field.name)
            if isinstance(text, str) and field.name != "kind":
                yield ("outputs", name, "contract", field.name), text


def _amount_texts(step: Step) -> Iterator[tuple[KeyPath, str]]:
    for name, expression in expressions(step):
        yield ("work", name), expression
    if step.trains is not None:
        yield ("trains", "list"), step.trains.list
        yield ("trains", "batch"), step.trains.batch


def expressions(step: Step) -> Iterator[tuple[str, str]]:
    """The expressions of a step's work, by name."""
    for field in dataclasses.fields(step.work):
        given = getattr(step.work, field.name)
        if isinstance(given, int | str) and not isinstance(given, bool):
            yield field.name, str(given)


def _command_texts(step: Step) -> Iterator[tuple[KeyPath, str]]:
    for index, item in enumerate(step.argv):
        for text in item.args if isinstance(item, Arguments) else (item,):
            yield ("argv", index), text
    for field, texts_of in (("env", step.env), ("losses_env", step.losses_env)):
        for name, text in texts_of.items():
            yield (field, name), text
    for name, text in step.links.items():
        yield ("links", name), name
        yield ("links", name), text
    if step.gpus is not None:
        yield ("gpus",), step.gpus
