"""The command that plans and stops there."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import ASKED, Gpus, Json, Methods, takes

if TYPE_CHECKING:
    from harness.commands.context import Context, Where
    from harness.commands.forecast import Forecast
    from harness.plan.make import Ask
    from harness.plan.needs import Todo
    from harness.plan.plan import Plan

Simulated = Annotated[
    str | None,
    typer.Option(help="Replay the plan on these numbers of GPUs instead: N,... or N-M (doubled)."),
]


@app.command()
@takes("project", "runs", "mirror", "data", "base", ask=ASKED)
def plan(
    methods: Methods,
    *,
    ask: "Ask",
    gpus: Gpus = None,
    simulate: Simulated = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Print every step, its state and why; nothing is fetched, built or run."""
    from harness import console
    from harness.commands import plan as verbs
    from harness.commands.context import Context
    from harness.commands.forecast import forecast
    from harness.commands.verdict import plan_outlook
    from harness.plan import keys
    from harness.shapes import plan as shapes
    from harness.verdict.outlook import outlook_notes

    context = Context.open(where)
    found = verbs.plan(context, replace(ask, methods=tuple(methods)))
    todo = verbs.look(context, found)
    leases = context.gpus(gpus)
    if gpus is not None:  # the question is whether it can run on these
        verbs.refuse_gpus(context, found, todo, leases)
    ahead = forecast(context, found, todo, leases)
    if simulate is not None:
        _show_simulation(found, todo, ahead, simulate, as_json=as_json)
        return
    at_hand = shapes.gpu_notes(context, found, todo, leases)
    verdicts = plan_outlook(context, found)
    if as_json:
        more = {"gpus": at_hand, "verdicts": keys.plain(verdicts)}
        console.show_json({**shapes.plan_document(context, found, todo, ahead), **more})
        return
    notes = [*shapes.plan_notes(context, found, todo, ahead), *at_hand]
    notes += outlook_notes(verdicts) if verdicts else []
    _show(context, found, todo, ahead)
    for note in notes:
        console.out.print(note)


def _show(context: "Context", found: "Plan", todo: "Todo", ahead: "Forecast") -> None:
    from harness import console
    from harness.measured import text
    from harness.shapes.plan import state_texts

    states = state_texts(context, found, todo)
    console.show_plan(found, lambda step: states[step.key])
    if found.scale.judged:
        figures = (found, todo.open, ahead.figures)
        console.show_table("what a step takes", text.STEP_COLUMNS, text.step_rows(*figures))
        console.show_table("GPU-hours to do", text.ROW_COLUMNS, text.row_rows(*figures))


def _show_simulation(
    found: "Plan", todo: "Todo", ahead: "Forecast", fleets: str, *, as_json: bool
) -> None:
    from harness import console
    from harness.commands.simulate import parse_fleets, simulation
    from harness.shapes import simulation as shapes

    replayed = simulation(found, todo, ahead, parse_fleets(fleets))
    if as_json:
        console.show_json(shapes.simulation_document(found, replayed))
        return
    if path := replayed.critical_path:
        title = f"critical path: {path.run}"
        console.show_table(title, shapes.PATH_COLUMNS, shapes.path_rows(path))
        rows = map(shapes.fleet_row, replayed.fleets)
        console.show_table("the plan on GPUs", shapes.FLEET_COLUMNS, rows)
    for note in shapes.simulation_notes(replayed):
        console.out.print(note)
