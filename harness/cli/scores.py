"""The command that shows the scores of finished runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json, Runs

if TYPE_CHECKING:
    from harness.commands.scores import Found
    from harness.commands.where import Where


@app.command()
@takes("project", "runs", "archive")
def scores(
    runs_of: Runs = None,
    *,
    classes: Annotated[bool, typer.Option("--classes", help="Show every class too.")] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Show J, F and J&F of finished runs, per stage and seed, from the files alone."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.scores import scores as find
    from harness.shapes.scores import scores_document

    found = find(Context.open(where, inspects=True), runs_of or ())
    if as_json:
        console.show_json("scores", scores_document(found, classes=classes))
    else:
        _show(found, classes=classes)
    for line in found.damage:
        console.err.print(f"damaged: {line}")


def _show(found: "Found", *, classes: bool) -> None:
    from harness import console
    from harness.evidence.groups import settings_of
    from harness.shapes.scores import background_lines, class_rows, seed_rows

    for setting, groups in settings_of(found.groups).items():
        name = ("method", "backbone", "losses", "scored")
        title = f"{setting.title}: percent, mean ± sd (ddof 1)"
        console.show_table(title, (*name, "seed", "J", "F", "J&F"), seed_rows(groups))
        if classes:
            rows = class_rows(groups)
            console.show_table("per class", (*name, "class", "J", "F"), rows)
    for line in background_lines(found):
        console.out.print(line)
    if not found.groups:
        console.out.print("no run has a record yet; see `harness status`")
    for run in found.unfinished:
        console.err.print(f"{run.id} is not finished: {run.status}")
