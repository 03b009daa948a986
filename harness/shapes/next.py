"""Commands to type next, as they can be pasted."""

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.commands.inspect import RunState, StepState
    from harness.commands.where import Where


def command(where: "Where", *words: str) -> str:
    """A command of harness that looks where this one looked."""
    places = (("--project", where.project), ("--runs", where.runs))
    given = [part for name, path in places if path is not None for part in (name, str(path))]
    return shlex.join(("harness", *words, *given))


def step_word(run: "RunState", step: "StepState") -> str:
    """RUN/STEP as a person types it."""
    return f"{run.short}/{step.name}"
