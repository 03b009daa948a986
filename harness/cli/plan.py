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
    from harness.verdict.outlook import Outlook


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
    where: "Where",
    as_json: Json = False,
) -> None:
    """Print what is done and to do, and what it takes; nothing is fetched, built or run."""
    from harness import console
    from harness.commands import plan as verbs
    from harness.commands.context import Context
    from harness.commands.elsewhere import done_elsewhere
    from harness.commands.forecast import forecast
    from harness.commands.verdict import plan_outlook
    from harness.shapes import plan as shapes
    from harness.shapes.elsewhere import elsewhere_values

    context = Context.open(where)
    ask = replace(ask, methods=tuple(methods))
    found = verbs.plan(context, ask)
    todo = verbs.look(context, found)
    leases = context.gpus(gpus)
    if gpus is not None:  # the question is whether it can run on these
        verbs.refuse_gpus(context, found, todo, leases)
    ahead = forecast(context, found, todo, leases)
    at_hand = shapes.gpu_notes(context, found, todo, leases)
    verdicts = plan_outlook(context, found)
    if as_json:
        document = shapes.plan_document(context, found, todo, ahead, verdicts)
        console.show_json("plan", {**document, "gpus": at_hand})
    elif steps:
        _show_steps(context, found, todo, verdicts)
    else:
        _show_rows(found, todo, ahead)
        notes = [*shapes.verdict_values(verdicts), *(("GPUs", note) for note in at_hand)]
        done = done_elsewhere(context, ask, found, todo)
        notes += elsewhere_values(context, where, done)
        console.show_values("in all", shapes.plan_values(context, found, todo, ahead, notes))


def _show_rows(found: "Plan", todo: "Todo", ahead: "Forecast") -> None:
    """A row for each method, backbone and losses, then one for each step or stage."""
    from harness import console
    from harness.measured import summary, text
    from harness.shapes.plan import methods_of

    arms = summary.arms_of(found, todo.open, ahead.figures)
    jobs = summary.jobs_of(found, todo.open, ahead.figures)
    title = "runs; a step that rows share counts in each"
    console.show_table(title, text.ARM_COLUMNS, map(text.arm_cells, arms))
    if len(methods_of(found)) > 1:
        stages = map(text.stage_cells, summary.stages_of(jobs))
        names = ("steps",)
        console.show_table("steps", text.STAGE_COLUMNS, stages, prose=names, optional=names)
    else:
        optional = ("GPU-hours", "stage")
        console.show_table("steps", text.JOB_COLUMNS, map(text.job_cells, jobs), optional=optional)


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
