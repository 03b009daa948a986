"""The command that runs everything."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from harness.cli.again import begin, noting
from harness.cli.app import app
from harness.cli.ending import going_on, show_end
from harness.cli.on_cluster import (
    Executor,
    Profile,
    Wait,
    ask_of_cluster,
    finish_submitted,
    is_slurm,
    reproduce_on_cluster,
)
from harness.cli.options import ANYWHERE, ASKED, takes
from harness.cli.parameters import (
    Every,
    Gpus,
    Jobs,
    Json,
    Methods,
    Notify,
    Retry,
    TrustStore,
    folder,
)
from harness.cli.work import make_news, make_work

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.news import News
    from harness.commands.reproduce import Result
    from harness.commands.submit import Submitted
    from harness.commands.where import Where
    from harness.console import Board
    from harness.plan.make import Ask
    from harness.plan.needs import Todo
    from harness.plan.plan import Plan


@app.command()
@takes(*ANYWHERE, ask=ASKED)
def reproduce(
    methods: Methods,
    *,
    given: typer.Context,
    ask: "Ask",
    gpus: Gpus = None,
    jobs: Jobs = 2,
    retries: Retry = 2,
    detach: Annotated[
        bool, typer.Option("--detach", help="On Ctrl-C leave containers running, to follow later.")
    ] = False,
    shards: Annotated[
        int, typer.Option(min=1, help="Split a step into at most this many shards.")
    ] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Keep every intermediate.")] = False,
    trust_store: TrustStore = False,
    junit: Annotated[
        Path | None,
        typer.Option(parser=folder, help="Write how each step ended as JUnit XML to this file."),
    ] = None,
    executor: Executor = "local",
    profile: Profile = None,
    wait: Wait = False,
    notify: Notify = None,
    every: Every = None,
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
    from harness.commands.places import file_to_be

    local = {"--gpus": gpus, "--detach": detach, "--shards": shards > 1, "--notify": notify}
    if slurm := is_slurm(executor, profile, wait=wait, local=local):
        ask = ask_of_cluster(ask, given)
    context = Context.open(where, writes=True)
    junit = file_to_be(junit, "--junit") if junit else None
    note = begin(context)
    plan = planning.plan(context, replace(ask, methods=tuple(methods)))
    todo = planning.look(context, plan)
    if slurm and profile and todo.open:
        ended = reproduce_on_cluster(context, where, plan, profile, keep=keep, wait=wait)
        _end(context, ended, as_json=as_json, junit=junit, report=not no_report)
    named = gpus is not None  # such cards have to be there, whatever is done already
    hours = _ahead(context, plan, todo, gpus, as_json=as_json) if todo.open or named else {}
    news = make_news(context, "reproduce", notify, every)
    board = console.Board(plan, context.store, hours)
    is_plain = not (todo.open or slurm or named or news or junit)
    with noting(note, context, plan) if is_plain else nullcontext():
        result = _run(
            context,
            board,
            news,
            jobs=jobs,
            gpus=gpus,
            retries=retries,
            detach=detach,
            shards=shards,
            keep=keep,
            trust_store=trust_store,
        )
        _tell(context, result, as_json=as_json, junit=junit, report=not no_report)
        show_end(context, where, board)
        note.holds &= result.nothing_ran
    raise typer.Exit(result.exit_code)


def _run(context: "Context", board: "Board", news: "News | None", **settings: Any) -> "Result":
    """Execute the board's plan, and tell of its end."""
    from harness.commands.news import telling
    from harness.commands.reproduce import reproduce as run

    with telling(news) as tell_end, board, going_on(context, board):
        result = run(context, board.plan, make_work(context, board, news=news, **settings))
        tell_end(result.exit_code)
    return result


def _ahead(
    context: "Context", plan: "Plan", todo: "Todo", gpus: str | None, *, as_json: bool
) -> dict[str, float]:
    """Print what is to do and what it takes; the hours of each step, by key."""
    from harness import console
    from harness.commands.forecast import forecast
    from harness.shapes.start import start_lines

    ahead = forecast(context, plan, todo, context.gpus(gpus))
    if not as_json:
        for line in start_lines(plan, todo, ahead.outlook):
            console.err.print(line)
    return {key: one.hours for key, one in ahead.figures.items()}


def _end(
    context: "Context",
    ended: "Result | Submitted",
    *,
    as_json: bool,
    junit: Path | None,
    report: bool,
) -> NoReturn:
    """Show what a cluster did, write the files about it, exit; what was submitted has none."""
    from harness.commands.reproduce import Result

    if not isinstance(ended, Result):
        finish_submitted(ended, "reproduce", as_json=as_json)
    _tell(context, ended, as_json=as_json, junit=junit, report=report)
    raise typer.Exit(ended.exit_code)


def _tell(
    context: "Context", result: "Result", *, as_json: bool, junit: Path | None, report: bool
) -> None:
    """Show what was done, and write the files about it although nobody may read stdout any more."""
    try:
        _show(context, result, as_json=as_json)
    finally:
        _write(context, result, junit=junit, report=report)


def _write(context: "Context", result: "Result", *, junit: Path | None, report: bool) -> None:
    """The files for people and CI; a report only of runs of which some are done."""
    if junit is None and not report:
        return
    from harness import console
    from harness.commands import report as reports

    runs = [one.planned.id for one in result.runs]
    if junit is not None:
        reports.write_junit(context, runs, junit)
    if report and result.finished:
        written = reports.write_after(context, runs)
        if written is not None:
            console.err.print(f"report: {written}")


def _show(context: "Context", result: "Result", *, as_json: bool) -> None:
    from harness import console
    from harness.shapes.results import result_document, score_groups

    if as_json:
        console.show_json("reproduce", result_document(result))
        return
    groups = score_groups(result)
    if groups:
        console.show_scores("scores in percent, mean ± sd over seeds", groups)
    if result.finished:
        console.out.print(f"runs: {context.layout.root}")
