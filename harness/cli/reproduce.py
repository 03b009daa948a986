"""The command that runs everything."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli.app import app
from harness.cli.options import ANYWHERE, ASKED, Gpus, Jobs, Json, Methods, folder, takes
from harness.cli.submit import (
    Executor,
    Profile,
    Wait,
    ask_of_cluster,
    finish_submitted,
    is_slurm,
    reproduce_on_cluster,
)
from harness.cli.work import make_work

if TYPE_CHECKING:
    from harness.commands.context import Context, Where
    from harness.commands.reproduce import Result
    from harness.commands.submit import Submitted
    from harness.plan.make import Ask


@app.command()
@takes(*ANYWHERE, ask=ASKED)
def reproduce(
    methods: Methods,
    *,
    given: typer.Context,
    ask: "Ask",
    gpus: Gpus = None,
    jobs: Jobs = 2,
    retries: Annotated[
        int, typer.Option(min=0, help="Retries after an infrastructure fault; never after others.")
    ] = 2,
    detach: Annotated[
        bool, typer.Option("--detach", help="On Ctrl-C leave containers running, to follow later.")
    ] = False,
    shards: Annotated[
        int, typer.Option(min=1, help="Split a step into at most this many shards.")
    ] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Keep every intermediate.")] = False,
    trust_store: Annotated[
        bool,
        typer.Option("--trust-store", help="Do not hash stored files of the size recorded."),
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option(parser=folder, help="Write how each step ended as JUnit XML to this file."),
    ] = None,
    executor: Executor = "local",
    profile: Profile = None,
    wait: Wait = False,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Do not write report.html under runs/.")
    ] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Run a method's whole pipeline from the pinned repositories and report J, F and J&F."""
    from harness import console
    from harness.commands import plan as planning
    from harness.commands.context import Context
    from harness.commands.forecast import forecast
    from harness.commands.inspect import log_path
    from harness.commands.reproduce import reproduce as run
    from harness.shapes.plan import plan_notes

    local = {"--gpus": gpus, "--detach": detach, "--shards": shards > 1}
    slurm = is_slurm(executor, profile, wait=wait, local=local)
    context = Context.open(where, writes=True)
    asked = ask_of_cluster(ask, given) if slurm else ask
    plan = planning.plan(context, replace(asked, methods=tuple(methods)))
    if slurm and profile and planning.look(context, plan).open:
        ended = reproduce_on_cluster(context, where, plan, profile, keep=keep, wait=wait)
        _end(context, ended, as_json=as_json, junit=junit, report=not no_report)
    if not as_json:
        todo = planning.look(context, plan)
        ahead = forecast(context, plan, todo, context.gpus(gpus))
        for note in plan_notes(context, plan, todo, ahead):
            console.err.print(note)
    with console.Board(plan, lambda key: log_path(context, key)) as board:
        work = make_work(
            context,
            board,
            jobs=jobs,
            gpus=gpus,
            retries=retries,
            detach=detach,
            shards=shards,
            keep=keep,
            trust_store=trust_store,
        )
        result = run(context, plan, work)
    _end(context, result, as_json=as_json, junit=junit, report=not no_report)


def _end(
    context: "Context",
    ended: "Result | Submitted",
    *,
    as_json: bool,
    junit: Path | None,
    report: bool,
) -> NoReturn:
    """Show what was done, write the files about it, exit; of what was submitted there are none."""
    from harness.commands.reproduce import Result

    if not isinstance(ended, Result):
        finish_submitted(ended, as_json=as_json)
    _show(context, ended, as_json=as_json)
    _write(context, ended, junit=junit, report=report)
    raise typer.Exit(ended.exit_code)


def _write(context: "Context", result: "Result", *, junit: Path | None, report: bool) -> None:
    """The files for people and CI; of what was stopped there is no report."""
    from harness import console
    from harness.commands import report as reports
    from harness.errors import Interrupted

    runs = [one.planned.id for one in result.runs]
    if junit is not None:
        reports.write_junit(context, runs, junit)
    if report and result.exit_code != Interrupted.exit_code:
        written = reports.write_after(context, runs)
        if written is not None:
            console.err.print(f"report: {written}")


def _show(context: "Context", result: "Result", *, as_json: bool) -> None:
    from harness import console
    from harness.shapes.results import result_document, score_groups

    if as_json:
        console.show_json(result_document(result))
    else:
        console.show_scores("scores in percent, mean ± sd over seeds", score_groups(result))
        console.out.print(f"runs: {context.layout.root}")
