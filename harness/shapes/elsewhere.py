"""The commands that show more of what was asked for: as done elsewhere, or what is missing."""

import os
import shlex
from collections.abc import Iterator, Sequence

from harness.commands.context import Context
from harness.commands.elsewhere import Elsewhere
from harness.commands.plan import expand
from harness.commands.where import Where
from harness.doctor import Finding
from harness.manifest.model import Losses, Method, RuntimeName
from harness.plan.make import Ask

_MOST = 2
_VARIABLES = {"project": "HARNESS_PROJECT", "mirror": "HARNESS_MIRROR"}


def elsewhere_values(
    context: Context, where: Where, found: list[Elsewhere]
) -> list[tuple[str, str]]:
    """A value for each of the first settings in which runs are done."""
    return [
        ("done before", f"{one.runs} of these runs:\n{_plan(context, where, one.ask)}")
        for one in found[:_MOST]
    ]


def missing_values(
    context: Context, where: Where, ask: Ask, missing: Sequence[Finding]
) -> list[tuple[str, str]]:
    """What is missing by name, and the command that says how to get it."""
    if not missing:
        return []
    names = ", ".join(one.name for one in missing)
    return [("missing", names), ("get them", command("doctor", context, where, ask))]


def _plan(context: Context, where: Where, ask: Ask) -> str:
    test = " --with-test" if ask.with_test else ""
    return command("plan", context, where, ask) + test


def command(verb: str, context: Context, where: Where, ask: Ask) -> str:
    """`harness plan` (or another verb) with the options that ask for this."""
    return shlex.join(["harness", verb, *_words(context, ask), *_places(where)])


def _words(context: Context, ask: Ask) -> Iterator[str]:
    yield from ask.methods
    methods = [context.method(name) for name in expand(context, ask.methods)]
    if ask.backbone and any(len(method.backbones) > 1 for method in methods):
        yield from ("--backbone", ask.backbone)
    if set(ask.losses) != set(Losses):
        yield from ("--losses", ",".join(ask.losses))
    yield from _seeds(methods, ask)
    if ask.scale is not None and not ask.scale.full:
        yield from ("--scale", ask.scale.value)
    if ask.stack and any(method.stacks[0] != ask.stack for method in methods):
        yield from ("--stack", ask.stack)
    if ask.runtime is not RuntimeName.DOCKER:
        yield from ("--runtime", ask.runtime.value)
    yield from _choices(ask)


def _choices(ask: Ask) -> Iterator[str]:
    for name, choice in ask.options.items():
        yield from ("--option", f"{name}={choice}")
    for name in ask.until:
        yield from ("--until", name)


def _seeds(methods: Sequence[Method], ask: Ask) -> tuple[str, ...]:
    """The seeds, as a count where they are the manifests' first."""
    if not ask.seed:
        return ("--seeds", str(ask.seeds)) if ask.seeds else ()
    count = len(ask.seed)
    if all(method.seeds[:count] == ask.seed for method in methods):
        return "--seeds", str(count)
    return "--seed", ",".join(map(str, ask.seed))


def _places(where: Where) -> Iterator[str]:
    """Where to work, as far as no variable says so."""
    for name in ("project", "runs", "mirror", "data", "base"):
        value = getattr(where, name)
        if value is not None and os.environ.get(_VARIABLES.get(name, "")) != str(value):
            yield from (f"--{name}", str(value))
