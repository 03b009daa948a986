"""The command that starts from the authors' own files."""

from typing import Annotated

import typer

from harness.cli.app import app
from harness.cli.options import (
    Base,
    CaBundle,
    Data,
    Gpus,
    Jobs,
    Json,
    Mirror,
    Project,
    Runs,
    RuntimeText,
    StackName,
    Wheelhouse,
    make_context,
    parse_runtime,
)
from harness.cli.working import make_work


@app.command()
def anchor(
    method: Annotated[str, typer.Argument(help="A method by name.")],
    name: Annotated[str | None, typer.Argument(help="One of its anchors.")] = None,
    *,
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    gpus: Gpus = None,
    jobs: Jobs = 2,
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    data: Data = None,
    ca_bundle: CaBundle = None,
    wheelhouse: Wheelhouse = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Run what follows the authors' own file and compare the known scores: hours, not weeks."""
    from harness import console
    from harness.commands import anchor as anchoring
    from harness.commands import reproduce as verbs
    from harness.commands.inspect import log_path
    from harness.errors import NotAsExpected
    from harness.plan import keys

    context = make_context(project, runs, mirror, data, ca_bundle, wheelhouse, base)
    name, chosen = anchoring.choose(context, method, name)
    ask = anchoring.ask_for(method, name, chosen, stack=stack, runtime=parse_runtime(runtime))
    plan = verbs.plan(context, ask)
    with console.Board(plan, lambda key: log_path(context, key)) as board:
        result = verbs.reproduce(context, ask, plan, make_work(context, jobs, gpus, board))
    if result.exit_code:
        raise typer.Exit(result.exit_code)
    report = anchoring.report(name, chosen, result)
    if as_json:
        rows = [{**keys.plain(row), "agrees": row.agrees} for row in report.rows]
        console.show_json({"anchor": name, "holds": report.holds, "rows": rows})
        raise typer.Exit(0 if report.holds else NotAsExpected.exit_code)
    cells = [
        (
            str(row.stage),
            row.score,
            row.metric,
            f"{row.expected:g} ± {row.tolerance:g}",
            f"{row.found:.2f}" if row.found is not None else "-",
            "agrees" if row.agrees else "deviates",
        )
        for row in report.rows
    ]
    columns = ("stage", "scored", "metric", "known", "found", "verdict")
    console.show_table(f"{method}: {chosen.about}", columns, cells)
    if not report.holds:
        raise NotAsExpected(report.conclusion, hint="see the sources of the known scores in --json")
    console.out.print(report.conclusion, markup=False)
