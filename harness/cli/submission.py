"""Commands about VOC's evaluation server, which alone can score the test split."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.asked import read_ask
from harness.cli.ending import going_on
from harness.cli.group import Commands
from harness.cli.options import ANYWHERE, takes
from harness.cli.parameters import Gpus, Jobs, Json, MethodName, folder
from harness.cli.work import make_work

if TYPE_CHECKING:
    from harness.commands.where import Where
    from harness.plan.make import Ask

_PACKAGE = "package"


class _PackageFirst(Commands):
    """`harness submission METHOD` packs: the word `package` may be left out."""

    usual = _PACKAGE

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the word in where neither a command nor --help comes first."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = [_PACKAGE, *args]
        return super().parse_args(ctx, args)


submission_app = typer.Typer(
    cls=_PackageFirst, no_args_is_help=True, help="VOC's test split: predictions, server's answer."
)
app.add_typer(submission_app, name="submission")


@submission_app.command(_PACKAGE)
@takes(*ANYWHERE, ask=("backbone", "stack", "runtime", "option"))
def submission_package(
    method: MethodName,
    *,
    ask: "Ask",
    losses: Annotated[
        str,
        typer.Option(help="One of none, isl, fsl, isl+fsl.", autocompletion=completers.losses),
    ] = "isl+fsl",
    gpus: Gpus = None,
    jobs: Jobs = 2,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", parser=folder, help="Write it there, not under runs/."),
    ] = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Pack test predictions of the best of five runs by val J for VOC's evaluation server."""
    from harness import console
    from harness.commands import submission
    from harness.commands.context import Context
    from harness.commands.places import file_to_be

    context = Context.open(where, writes=True)
    out = file_to_be(out, "--out") if out else None
    best, plan = submission.choose(
        context, replace(ask, methods=(method,), losses=read_ask(losses=losses).losses)
    )
    val = best.scores["final"].J
    if not as_json:
        console.err.print(f"{best.id}: J {val:.2f} on val, the highest of five runs")
    with console.Board(plan, context.store) as board, going_on(context, board):
        work = make_work(context, board, jobs=jobs, gpus=gpus)
        made = submission.package(context, plan, work, out)
    if as_json:
        found = {"run": best.id, "val_J": val, "images": made.images, "sha256": made.sha256}
        console.show_json("submission package", {**found, "file": str(made.file)})
        return
    console.out.print(f"{made.file}: {made.images} images, sha256 {made.sha256}")
    console.out.print("upload it, then: harness submission result RUN --J ANSWER")


@submission_app.command("result")
@takes("project", "runs")
def submission_result(
    run: Annotated[
        str,
        typer.Argument(
            help="The run that was handed in, or its beginning.", autocompletion=completers.runs
        ),
    ],
    *,
    region: Annotated[float, typer.Option("--J", help="Mean IoU in percent, as answered.")],
    url: Annotated[str | None, typer.Option(help="Where the server shows the result.")] = None,
    date: Annotated[str | None, typer.Option(help="Day of the answer, YYYY-MM-DD.")] = None,
    replace_old: Annotated[
        bool, typer.Option("--replace", help="Correct an answer that is there.")
    ] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Write down what VOC's evaluation server answered for a run."""
    from harness import console
    from harness.commands import submission
    from harness.commands.context import Context

    context = Context.open(where, inspects=True)
    found = submission.answer(context, run, (region, url, _day(date)), replace_old=replace_old)
    if as_json:
        console.show_json("submission result", {**found, "schema": console.SCHEMA})
    else:
        console.out.print(f"{found['run']}: J {found['J']} on the test set")


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"--date {text}: expected YYYY-MM-DD") from None
