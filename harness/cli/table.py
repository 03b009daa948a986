"""The command that prints the paper's tables with our runs beside them."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.where import Where


@app.command()
@takes("project", "runs", "archive")
def table(
    name: Annotated[
        str,
        typer.Argument(
            help="6, 7 or 8, as in the paper; or stages.",
            autocompletion=completers.choices("6", "7", "8", "stages"),
        ),
    ],
    *,
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            help="terminal, markdown, csv, latex or json.",
            autocompletion=completers.choices("terminal", "markdown", "csv", "latex", "json"),
        ),
    ] = "terminal",
    where: "Where",
    as_json: Json = False,
) -> None:
    """Print a table of the paper: its numbers, ours from finished runs, and the verdicts."""
    from harness import console
    from harness.commands import table as verb
    from harness.commands.context import Context
    from harness.tables.formats import Format

    wanted = Format.JSON if as_json else verb.parse_format(format_name)
    found, damage = verb.table(Context.open(where, inspects=True), name)
    console.show_paper_table(found, wanted)
    for line in damage:
        console.err.print(line)
