"""How commands that execute a plan end: in words on how to go on, and an exit code."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.where import Where
    from harness.console import Board


def show_end(context: "Context", where: "Where", board: "Board") -> None:
    """Print how the steps on the board ended and what to do next, as the last lines."""
    from harness import console
    from harness.shapes.ends import End, end_lines
    from harness.store.numbers import run_numbers

    end = End(
        plan=board.plan,
        outcomes=board.outcomes,
        seconds=time.time() - board.began,
        numbers=run_numbers(context.layout),
        where=where,
    )
    for line in end_lines(end):
        console.err.print(line)


@contextmanager
def going_on(context: "Context", board: "Board") -> Iterator[None]:
    """Say of Ctrl-C before and after the steps what is said of one that stops steps."""
    from harness.commands.plan import look
    from harness.errors import Interrupted

    try:
        yield
    except KeyboardInterrupt:
        total = len(board.plan.steps)
        done = total - len(look(context, board.plan).open)
        what = f"stopped: {done} of {total} steps done"
        raise Interrupted(what, hint="the same command goes on from there") from None
