"""The command that checks this machine."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.options import ASKED, Gpus, Json, takes

if TYPE_CHECKING:
    from harness.commands.context import Where
    from harness.plan.make import Ask


@app.command()
@takes(
    "project",
    "runs",
    "mirror",
    "data",
    "base",
    ask=[name for name in ASKED if name != "with_test"],
)
def doctor(
    method: Annotated[
        str | None,
        typer.Argument(
            help="A method by name; without one only the machine.",
            autocompletion=completers.one_method,
        ),
    ] = None,
    *,
    ask: "Ask",
    gpus: Gpus = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Check what this machine has against what a method needs, and how to fix what is missing."""
    from harness import console
    from harness.commands.context import Context
    from harness.doctor import State, examine
    from harness.errors import NotReadyError
    from harness.plan import keys

    context = Context.open(where, examined=True)
    report = examine(context, replace(ask, methods=(method,) if method else ()), gpus)
    if as_json:
        lines = [keys.plain(line) for line in report.lines]
        console.show_json(
            "doctor", {"method": report.method, "ready": report.ready, "lines": lines}
        )
    else:
        cells = [(line.check, line.state.value, line.found, line.needed) for line in report.lines]
        console.show_table("doctor", ("check", "state", "found", "needed"), cells)
        for line in report.lines:
            if line.state is not State.OK:
                console.out.print(f"{line.check} ({line.state}): {line.fix}")
    if not report.ready:
        raise typer.Exit(NotReadyError.exit_code)
