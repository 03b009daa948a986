"""Commands that show where runs stand: they only read."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import Json, RunStep, takes

if TYPE_CHECKING:
    from harness.commands.context import Where


@app.command()
@takes("project", "runs")
def status(*, where: "Where", as_json: Json = False) -> None:
    """Show the state of every run, from the files alone."""
    from harness import console
    from harness.commands import inspect
    from harness.commands.context import Context
    from harness.commands.scores import final_scores
    from harness.plan import keys
    from harness.shapes.scores import final_document

    context = Context.open(where, inspects=True)
    found = inspect.status(context)
    finals = final_scores(context)
    if as_json:
        rows = [
            {**keys.plain(run), "state": run.state, "final": final_document(finals.get(run.id))}
            for run in found
        ]
        console.show_json("status", {"runs": rows})
        return
    cells = []
    for run in found:
        done = sum(step.state is inspect.State.DONE for step in run.steps)
        now = next((s.name for s in run.steps if s.state in {"running", "failed"}), "")
        final = [f"{score:.2f}" for score in finals.get(run.id, ())] or ["", ""]
        cells.append((run.id, run.state, f"{done}/{len(run.steps)}", now, *final))
    console.show_table("runs", ("run", "state", "steps", "now", "J", "F"), cells)


@app.command()
@takes("project", "runs")
def logs(
    step: RunStep,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the step ends.")] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Print a step's log."""
    from harness import console
    from harness.commands import inspect
    from harness.commands.context import Context

    context = Context.open(where, inspects=True)
    found = inspect.find_step(context, step)
    pieces = inspect.read_log(context, found, follow=follow)
    if as_json:
        console.show_json("logs", {"step": found.name, "key": found.key, "log": "".join(pieces)})
        return
    console.show_log(pieces)


@app.command()
@takes("project", "runs")
def why(
    step: RunStep,
    *,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Show what differs between a step's key and the nearest finished one."""
    from harness import console
    from harness.commands import inspect
    from harness.commands.context import Context

    context = Context.open(where, inspects=True)
    found = inspect.find_step(context, step)
    nearest, differing = inspect.why(context, found)
    if as_json:
        rows = [{"key_input": k, "finished": a, "planned": b} for k, a, b in differing]
        document = {"step": found.name, "key": found.key, "nearest": nearest}
        console.show_json("why", {**document, "differences": rows})
    elif nearest is None:
        console.out.print(f"{found.name}: no step of that name is finished")
    elif not differing:
        console.out.print(f"{found.name}: finished under its key {found.key[:12]}")
    else:
        cells = [(k, str(a), str(b)) for k, a, b in differing]
        console.show_table(
            f"{found.name} {found.key[:12]}, nearest finished {nearest[:12]}",
            ("key input", "finished", "planned"),
            cells,
        )
