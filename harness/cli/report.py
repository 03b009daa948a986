"""The command that writes a report."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json, Runs, folder

if TYPE_CHECKING:
    from harness.commands.where import Where

_STDOUT = Path("-")


@app.command()
@takes("project", "runs", "archive", "data")
def report(
    runs_of: Runs = None,
    *,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", parser=folder, help="File to write; - is stdout."),
    ] = Path("report.html"),
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="html, or markdown.",
            autocompletion=completers.choices("html", "markdown"),
        ),
    ] = "html",
    where: "Where",
    as_json: Json = False,
) -> None:
    """Write a report of finished runs: one HTML file that needs nothing else, or Markdown."""
    from harness import console
    from harness.commands import report as reports
    from harness.commands.context import Context
    from harness.commands.places import file_to_be
    from harness.files import write_text

    target = None if output == _STDOUT else file_to_be(output, "--output")
    made = reports.report(
        Context.open(where, inspects=True), runs_of or (), reports.format_of(form)
    )
    for line in made.evidence.damage:
        console.err.print(f"damaged: {line}")
    if target is None:
        sys.stdout.write(made.text)
        return
    write_text(target, made.text)
    runs = [run.id for run in made.evidence.runs]
    if as_json:
        console.show_json("report", {"file": str(output), "runs": [{"name": run} for run in runs]})
    else:
        console.out.print(f"report of {len(runs)} runs: {output}")
