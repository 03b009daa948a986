"""The command that runs every step once, on a few pictures."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.asked import parse_losses
from harness.cli.ending import going_on, show_end
from harness.cli.options import ANYWHERE, takes
from harness.cli.parameters import Every, Gpus, Json, Methods, Notify, folder
from harness.cli.work import make_news, make_work

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.reproduce import Result
    from harness.commands.where import Where
    from harness.plan.make import Ask


@app.command()
@takes(*ANYWHERE, ask=("backbone", "stack", "runtime", "option", "until", "with_test"))
def rehearse(
    methods: Methods,
    *,
    ask: "Ask",
    losses: Annotated[
        str,
        typer.Option(
            help="none, isl, fsl, isl+fsl (the most expensive), or all.",
            autocompletion=completers.losses,
        ),
    ] = "isl+fsl",
    images: Annotated[
        int | None,
        typer.Option(min=1, max=1449, help="Pictures in each list; 8 on a GPU, 2 on a CPU."),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="Of each training; 10 on a GPU, 2 on a CPU."),
    ] = None,
    share: Annotated[
        Path | None,
        typer.Option(parser=folder, help="Write what was measured there, to be sent in."),
    ] = None,
    gpus: Gpus = None,
    notify: Notify = None,
    every: Every = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep every intermediate.")] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Run every step with the paper's settings on a few pictures, and print what each took."""
    from harness import console
    from harness.commands import plan as planning
    from harness.commands.context import Context
    from harness.commands.forecast import forecast
    from harness.commands.news import telling
    from harness.commands.places import file_to_be
    from harness.commands.rehearse import notes, scale_here
    from harness.commands.reproduce import reproduce as run
    from harness.shapes.plan import plan_notes

    context = Context.open(where, writes=True)
    share = file_to_be(share, "--share") if share else None
    asked = replace(
        ask,
        methods=tuple(methods),
        losses=parse_losses(losses),
        seeds=1,
        scale=scale_here(context.gpus(gpus)),
        images=images,
        iterations=iterations,
    )
    plan = planning.plan(context, asked)
    todo = planning.look(context, plan)
    ahead = forecast(context, plan, todo, context.gpus(gpus))
    for note in (*notes(plan), *plan_notes(context, plan, ahead)):
        console.err.print(note)
    news = make_news(context, "rehearse", notify, every)
    board = console.Board(plan, context.store)
    with telling(news) as tell_end, board, going_on(context, board):
        # One step at a time: what is measured then is the step's own.
        work = make_work(
            context,
            board,
            jobs=1,
            gpus=gpus,
            news=news,
            shards=1,
            keep=keep,
            trust_store=False,
        )
        result = run(context, plan, work)
        tell_end(result.exit_code)
    try:
        _show(context, result, as_json=as_json)
    finally:  # though nobody may read stdout any more
        _share(context, result, share)
    show_end(context, where, board)
    raise typer.Exit(result.exit_code)


def _share(context: "Context", result: "Result", file: Path | None) -> None:
    """Write what was measured, if it was asked for."""
    from harness import console
    from harness.commands.measure import measured_steps, share_measurements

    if file is not None:
        count = share_measurements(file, measured_steps(context, result.plan))
        console.err.print(f"{file}: what {count} steps took")


def _show(context: "Context", result: "Result", *, as_json: bool) -> None:
    from harness import console
    from harness.commands.rehearse import rehearsed_steps
    from harness.shapes.results import rehearsed_cells, rehearsed_row

    steps = rehearsed_steps(context, result)
    if as_json:
        rows = [rehearsed_row(one) for one in steps]
        console.show_json("rehearse", {"scale": result.plan.scale.value, "steps": rows})
        return
    columns = ("method", "step", "seconds", "memory", "GPU memory", "disk", "state")
    console.show_table("rehearsal", columns, map(rehearsed_cells, steps), prose=("state",))
    console.out.print(f"runs: {context.layout.root}")
