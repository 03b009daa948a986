"""The command that plans and stops there."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import ASKED, takes
from harness.cli.parameters import Gpus, Json, Methods
from harness.cli.simulation import show_simulation

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.forecast import Forecast
    from harness.commands.where import Where
    from harness.doctor import Finding
    from harness.plan.make import Ask
    from harness.plan.needs import Todo
    from harness.plan.plan import Plan
    from harness.verdict.outlook import Outlook

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
    steps: Annotated[
        bool, typer.Option("--steps", help="Print every step with its key, state and why.")
    ] = False,
    gpus: Gpus = None,
    simulate: Simulated = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Print what is done and to do, and what it takes; nothing is fetched, built or run."""
    from harness import console
    from harness.commands import plan as verbs
    from harness.commands.context import Context
    from harness.commands.doctor import missing
    from harness.commands.forecast import forecast
    from harness.commands.verdict import plan_outlook
    from harness.shapes import plan as shapes

    context = Context.open(where)
    ask = replace(ask, methods=tuple(methods))
    found = verbs.plan(context, ask)
    todo = verbs.look(context, found)
    leases = context.gpus(gpus)
    if gpus is not None:  # the question is whether it can run on these
        verbs.refuse_gpus(context, found, todo, leases)
    verdicts = plan_outlook(context, found)
    if steps and not as_json:
        _show_steps(context, found, todo, verdicts)
        return
    ahead = forecast(context, found, todo, leases)
    if simulate is not None:
        show_simulation(found, todo, ahead, simulate, as_json=as_json)
        return
    at_hand = shapes.gpu_notes(context, found, todo, leases)
    lacks = missing(context, found, todo, leases, ahead)
    if as_json:
        document = shapes.plan_document(context, found, todo, ahead)
        console.show_json("plan", document | shapes.prospects(at_hand, verdicts, lacks))
        return
    _show_rows(found, todo, ahead)
    notes = [*shapes.verdict_values(verdicts), *(("GPUs", note) for note in at_hand)]
    hints = _hint_values(context, where, ask, (found, todo), lacks)
    console.show_values("in all", [*shapes.plan_values(context, found, ahead, notes), *hints])


def _hint_values(
    context: "Context",
    where: "Where",
    ask: "Ask",
    planned: "tuple[Plan, Todo]",
    lacks: "Sequence[Finding]",
) -> list[tuple[str, str]]:
    """Where runs are done already, and what is missing, with the commands that show it."""
    from harness.commands.elsewhere import done_elsewhere
    from harness.shapes.elsewhere import elsewhere_values, missing_values

    done = done_elsewhere(context, ask, *planned)
    return [
        *elsewhere_values(context, where, done),
        *missing_values(context, where, ask, lacks),
    ]


def _show_rows(found: "Plan", todo: "Todo", ahead: "Forecast") -> None:
    """A row for each method, backbone and losses, then one for each step or stage."""
    from harness.measured import summary, text
    from harness.shapes.plan import methods_of

    arms = summary.arms_of(found, todo.open, ahead.figures)
    jobs = summary.jobs_of(found, todo.open, ahead.figures)
    title = "runs; a step that rows share counts in each"
    _show(found, title, text.ARM_COLUMNS, map(text.arm_cells, arms), ())
    if len(methods_of(found)) > 1:
        stages = map(text.stage_cells, summary.stages_of(jobs))
        _show(found, "steps", text.STAGE_COLUMNS, stages, ("steps",))
    else:
        steps = map(text.job_cells, jobs)
        _show(found, "steps", text.JOB_COLUMNS, steps, ("GPU-hours", "stage"))


def _show(
    found: "Plan",
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    optional: Sequence[str],
) -> None:
    """Figures are of steps at paper or smoke scale: of a rehearsal there are counts alone."""
    from harness import console

    last = columns.index("to do") + 1 if found.scale.rehearsed else len(columns)
    cells = [row[:last] for row in rows]
    console.show_table(title, columns[:last], cells, prose=("steps",), optional=optional)


def _show_steps(
    context: "Context", found: "Plan", todo: "Todo", verdicts: "Outlook | None"
) -> None:
    from harness import console
    from harness.shapes import plan as shapes
    from harness.verdict.outlook import outlook_notes

    states = shapes.state_texts(context, found, todo)
    title = f"{len(found.runs)} runs, {len(found.steps)} distinct steps"
    rows = shapes.step_cells(found, states)
    optional = ("repository", "stage")
    console.show_table(title, shapes.STEP_COLUMNS, rows, prose=("runs", "state"), optional=optional)
    console.show_notes(shapes.reason_notes(states))
    console.show_notes(outlook_notes(verdicts) if verdicts else [])
