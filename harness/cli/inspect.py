"""Commands that show where runs stand: they only read."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json, RunOrStep, RunStep

if TYPE_CHECKING:
    from harness.commands.inspect import RunState
    from harness.commands.where import Where
    from harness.shapes.status import Finals


@app.command()
@takes("project", "runs")
def status(*, where: "Where", as_json: Json = False) -> None:
    """Show the state of every run, from the files alone."""
    from harness import console
    from harness.commands import inspect
    from harness.commands.context import Context
    from harness.commands.scores import final_scores
    from harness.shapes.status import status_row

    context = Context.open(where, inspects=True)
    runs = inspect.status(context)
    finals = final_scores(context)
    if as_json:
        console.show_json("status", {"runs": [status_row(run, finals) for run in runs]})
    else:
        _show(runs, finals)


def _show(runs: "list[RunState]", finals: "Finals") -> None:
    """On a terminal a table for each setting; for programs one table with whole names."""
    from harness import console
    from harness.shapes import status as shapes

    if not runs:
        console.out.print("no run was executed yet; `harness reproduce METHOD` starts some")
    elif console.out.is_terminal:
        for setting, ours in shapes.settings_of(runs).items():
            cells = [shapes.status_cells(run, finals) for run in ours]
            console.show_table(f"runs, {setting}", shapes.COLUMNS, cells)
    else:
        cells = [shapes.whole_cells(run, finals) for run in runs]
        console.show_table("runs", shapes.WHOLE_COLUMNS, cells)


@app.command()
@takes("project", "runs")
def logs(
    name: RunOrStep,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the step ends.")] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Print a step's log; of a run that of its running, else failed, else last step."""
    from harness import console
    from harness.commands import logs as verbs
    from harness.commands.context import Context

    context = Context.open(where, inspects=True)
    run, step = verbs.find_log(context, name)
    pieces = verbs.read_log(context, step, follow=follow)
    if as_json:
        console.show_json("logs", {"step": step.name, "key": step.key, "log": "".join(pieces)})
        return
    if "/" not in name:
        console.err.print(f"{step.name} of run {run.id} ({step.state})")
    console.show_log(pieces)


@app.command()
@takes("project", "runs")
def why(
    step: RunStep,
    *,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Show how a step ended, when and where; of one to do, what differs from a finished one."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.why import why as ask
    from harness.shapes import why as shapes

    found = ask(Context.open(where, inspects=True), step)
    if as_json:
        console.show_json("why", shapes.why_document(found))
        return
    for line in shapes.why_lines(found, where):
        console.out.print(line)
    if found.differences and found.nearest is not None and found.failure is None:
        title = f"{found.step.key[:12]}, nearest finished {found.nearest[:12]}"
        cells = [(name, str(one), str(other)) for name, one, other in found.differences]
        console.show_table(title, shapes.COLUMNS, cells)
