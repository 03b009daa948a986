"""The command that starts from the authors' own files."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.asked import parse_runtime
from harness.cli.ending import going_on, show_end
from harness.cli.options import ANYWHERE, takes
from harness.cli.parameters import Gpus, Jobs, Json, MethodName, RuntimeText, StackName
from harness.cli.work import make_work

if TYPE_CHECKING:
    from harness.commands.anchor import KnownAndFound
    from harness.commands.where import Where


@app.command()
@takes(*ANYWHERE)
def anchor(
    method: MethodName,
    name: Annotated[
        str | None,
        typer.Argument(help="One of its anchors.", autocompletion=completers.anchors),
    ] = None,
    *,
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    gpus: Gpus = None,
    jobs: Jobs = 2,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Start from the authors' own file and compare known scores: checks a machine in hours."""
    from harness import console
    from harness.commands import anchor as verbs
    from harness.commands.context import Context
    from harness.commands.plan import find_method, plan
    from harness.commands.reproduce import reproduce
    from harness.errors import NotAsExpected

    context = Context.open(where, writes=True)
    method = find_method(context, method)
    name, chosen = verbs.choose_anchor(context, method, name)
    ask = verbs.ask_for(method, name, chosen, stack=stack, runtime=parse_runtime(runtime))
    found = plan(context, ask)
    with console.Board(found, context.store) as board, going_on(context, board):
        result = reproduce(context, found, make_work(context, board, jobs=jobs, gpus=gpus))
    show_end(context, where, board)
    if result.exit_code:
        raise typer.Exit(result.exit_code)
    report = verbs.report(name, chosen, result)
    if as_json:
        rows = [_row(one) for one in report.rows]
        console.show_json("anchor", {"anchor": name, "holds": report.holds, "scores": rows})
        raise typer.Exit(0 if report.holds else NotAsExpected.exit_code)
    cells = [
        (
            str(row.stage),
            row.score,
            row.metric,
            f"{row.expected:g} ± {row.tolerance:g}",
            f"{row.found:.2f}" if row.found is not None else "-",
            "yes" if row.agrees else "no",
        )
        for row in report.rows
    ]
    columns = ("stage", "scored", "metric", "known", "found", "agrees")
    console.show_table(f"{method}: {chosen.about}", columns, cells)
    if not report.holds:
        raise NotAsExpected(report.conclusion, hint="see the sources of the known scores in --json")
    console.out.print(report.conclusion)


def _row(one: "KnownAndFound") -> dict[str, Any]:
    """A known score and the one found, for machines."""
    return {
        "name": one.score,
        "metric": one.metric,
        "stage": one.stage,
        "expected": one.expected,
        "tolerance": one.tolerance,
        "found": one.found,
        "source": one.source,
        "agrees": one.agrees,
    }
