"""The command that shows as done what a plan shows as to do."""

import os
import shlex
from collections.abc import Iterator

from harness.commands.context import Context, Where
from harness.commands.elsewhere import Elsewhere
from harness.manifest.model import Losses, RuntimeName, Scale
from harness.plan.make import Ask

_MOST = 2
_VARIABLES = {"project": "HARNESS_PROJECT", "mirror": "HARNESS_MIRROR"}


def elsewhere_values(
    context: Context, where: Where, found: list[Elsewhere]
) -> list[tuple[str, str]]:
    """A value for each of the first settings in which runs are done."""
    return [
        ("done before", f"{one.runs} of these runs:\n{plan_command(context, where, one.ask)}")
        for one in found[:_MOST]
    ]


def plan_command(context: Context, where: Where, ask: Ask) -> str:
    """`harness plan` with the options that ask for this."""
    return shlex.join(["harness", "plan", *_words(context, ask), *_places(where)])


def _words(context: Context, ask: Ask) -> Iterator[str]:
    yield from ask.methods
    if ask.backbone and any(len(context.method(name).backbones) > 1 for name in ask.methods):
        yield from ("--backbone", ask.backbone)
    if set(ask.losses) != set(Losses):
        yield from ("--losses", ",".join(ask.losses))
    yield from _seeds(context, ask)
    if ask.scale is not Scale.PAPER:
        yield from ("--scale", ask.scale.value)
    if any(context.method(name).stacks[0] != ask.stack for name in ask.methods):
        yield from ("--stack", str(ask.stack))
    if ask.runtime is not RuntimeName.DOCKER:
        yield from ("--runtime", ask.runtime.value)
    yield from _more(ask)


def _more(ask: Ask) -> Iterator[str]:
    for name, choice in ask.options.items():
        yield from ("--option", f"{name}={choice}")
    for name in ask.until:
        yield from ("--until", name)
    if ask.with_test:
        yield "--with-test"


def _seeds(context: Context, ask: Ask) -> tuple[str, str]:
    """The seeds, as a count where they are the manifests' first."""
    count = len(ask.seed)
    if all(context.method(name).seeds[:count] == ask.seed for name in ask.methods):
        return "--seeds", str(count)
    return "--seed", ",".join(map(str, ask.seed))


def _places(where: Where) -> Iterator[str]:
    """Where to work, as far as no variable says so."""
    for name in ("project", "runs", "mirror", "data", "base"):
        value = getattr(where, name)
        if value is not None and os.environ.get(_VARIABLES.get(name, "")) != str(value):
            yield from (f"--{name}", str(value))
