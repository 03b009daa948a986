"""The command that checks this machine."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.options import ASKED, takes
from harness.cli.parameters import Gpus, Json

if TYPE_CHECKING:
    from harness.commands.where import Where
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
    methods: Annotated[
        list[str] | None,
        typer.Argument(
            help="Methods by name, or all; without one only the machine.",
            autocompletion=completers.methods,
        ),
    ] = None,
    *,
    ask: "Ask",
    anchor: Annotated[
        str | None, typer.Option(help="For `harness anchor METHOD NAME`: this NAME.")
    ] = None,
    gpus: Gpus = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Check what this machine has against what methods need, and how to fix what is missing."""
    from harness import console
    from harness.commands.anchor import ask_anchor
    from harness.commands.context import Context
    from harness.commands.doctor import diagnose
    from harness.errors import NotReadyError
    from harness.shapes.doctor import diagnosis_document, diagnosis_lines, diagnosis_rows

    context = Context.open(where, examined=True)
    asked = replace(ask, methods=tuple(methods or ()))
    if anchor is not None:
        asked = ask_anchor(context, asked, anchor)
    found = diagnose(context, asked, context.gpus(gpus))
    if as_json:
        console.show_json("doctor", diagnosis_document(found))
    else:
        columns = ("check", "state", "found", "needed")
        console.show_table("doctor", columns, diagnosis_rows(found), prose=columns[2:])
        for line in diagnosis_lines(found):
            console.out.print(line)
    if not found.ready:
        raise typer.Exit(NotReadyError.exit_code)
