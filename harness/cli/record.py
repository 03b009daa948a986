"""Commands about the records of runs and steps."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completers
from harness.cli.app import record_app
from harness.cli.asked import parse_runtime
from harness.cli.ending import going_on, show_end
from harness.cli.options import ANYWHERE, takes
from harness.cli.parameters import Gpus, Jobs, Json, folder
from harness.cli.work import make_work

if TYPE_CHECKING:
    from harness.commands.rebuild import Rebuilt
    from harness.commands.where import Where
    from harness.evidence.differences import Comparison, Difference
    from harness.evidence.evidence import Evidence

Subject = Annotated[
    str,
    typer.Argument(help="RUN, RUN/STEP or a step's KEY.", autocompletion=completers.run_steps),
]
RunName = Annotated[str, typer.Argument(help="RUN.", autocompletion=completers.runs)]
_KEY_SHOWN = 12


@record_app.command("list")
@takes("project", "runs", "archive")
def record_list(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Methods, or beginnings of runs' names.",
            autocompletion=completers.methods_or_runs,
        ),
    ] = None,
    *,
    steps: Annotated[bool, typer.Option("--steps", help="List the steps of these runs.")] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """List the runs that have records, or their steps."""
    from harness import console
    from harness.commands import record
    from harness.commands.context import Context
    from harness.shapes.records import record_rows, run_rows

    evidence = record.runs(Context.open(where, inspects=True), names or ())
    _warn(evidence)
    rows = record_rows(record.step_rows(evidence)) if steps else run_rows(evidence)
    if as_json:
        console.show_json(
            "record list", {"steps" if steps else "runs": rows, "damage": list(evidence.damage)}
        )
    elif steps:
        short = [{**row, "key": row["key"][:_KEY_SHOWN]} for row in rows]
        columns = ("stage", "key", "status", "start", "seconds", "host")
        cells = [_cells(row, ("name", *columns)) for row in short]
        console.show_table("steps", ("step", *columns), cells)
    else:
        of_runs = ("status", "steps", "start", "end", "hosts", "J", "F")
        cells = [_cells(row, ("name", *of_runs)) for row in rows]
        console.show_table("runs", ("run", *of_runs), cells, prose=("hosts",))


@record_app.command("show")
@takes("project", "runs", "archive")
def record_show(name: Subject, *, where: "Where", as_json: Json = False) -> None:
    """Show the record of a run or of a step."""
    from harness import console
    from harness.commands import record
    from harness.commands.context import Context
    from harness.shapes.records import about_rows, record_row

    found = record.find(Context.open(where, inspects=True), name)
    if as_json:
        console.show_json("record show", {"records": [record_row(found)]})
        return
    console.show_values(name, about_rows(found))


@record_app.command("diff")
@takes("project", "runs", "archive")
def record_diff(
    left: Subject,
    right: Annotated[
        str | None,
        typer.Argument(
            help="The other; with --with the same.", autocompletion=completers.run_steps
        ),
    ] = None,
    *,
    other: Annotated[
        Path | None,
        typer.Option("--with", parser=folder, help="Folder in place of runs/ for the other one."),
    ] = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Say what differs between two runs or two steps, the most likely causes first."""
    from harness import console
    from harness.commands import record
    from harness.commands.context import Context
    from harness.errors import UsageError
    from harness.evidence.suspects import PROMISE, explanation
    from harness.shapes.records import comparison_document

    if right is None and other is None:
        raise UsageError(
            "record diff needs two records", hint="name the other, or its folder by --with"
        )
    context = Context.open(where, inspects=True)
    same = record.whole_name(context, left)
    sides = record.find(context, left), record.find(context, right or same, other)
    found = record.compare(*sides)
    if as_json:
        console.show_json("record diff", comparison_document(found))
        return
    _show_differences("differences, the most likely causes first", found.differences)
    _show_scores(found)
    console.show_notes([explanation(found), *([PROMISE] if found.differences else [])])


@record_app.command("check")
@takes("project", "runs", "data", "base")
def record_check(run: RunName, *, where: "Where", as_json: Json = False) -> None:
    """Say in what this machine and project differ from those of a run."""
    from harness import console
    from harness.commands import record
    from harness.commands.context import Context
    from harness.shapes.records import difference_row

    context = Context.open(where, inspects=True)
    found = record.find_run(context, run)
    differences = record.check(context, found)
    if as_json:
        rows = [difference_row(one) for one in differences]
        console.show_json(
            "record check", {"run": found.id, "same": not differences, "differences": rows}
        )
        return
    _show_differences(f"{found.id} (left) and here (right)", differences)
    if not differences:
        console.out.print(f"{found.id}: this machine and project are as recorded")


@record_app.command("rebuild")
@takes(*ANYWHERE)
def record_rebuild(
    run: RunName,
    *,
    into: Annotated[Path, typer.Option(parser=folder, help="New folder in place of runs/.")],
    runtime: Annotated[
        str | None,
        typer.Option(
            help="docker or podman; by default the run's own.",
            autocompletion=completers.choices("docker", "podman"),
        ),
    ] = None,
    jobs: Jobs = 2,
    gpus: Gpus = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Make a run again in fresh containers from its record, and compare the scores bit for bit."""
    from harness import console
    from harness.commands import rebuild, record
    from harness.commands.context import Context
    from harness.commands.places import folder_to_be, make_writable
    from harness.commands.reproduce import reproduce
    from harness.errors import NotAsExpected, StepError
    from harness.shapes.records import rebuilt_document

    recorded = record.find_run(Context.open(where, inspects=True), run)
    make_writable(folder_to_be(into, "--into"), "--into")
    chosen = rebuild.runtime_of(recorded, None if runtime is None else parse_runtime(runtime))
    context = Context.open(replace(where, runs=into, origins={}), writes=True, fresh=True)
    planned = rebuild.rebuild_plan(context, recorded, chosen)
    with console.Board(planned, context.store) as board, going_on(context, board):
        result = reproduce(context, planned, make_work(context, board, jobs=jobs, gpus=gpus))
    if result.exit_code:
        show_end(context, where, board)
        raise StepError(
            f"the rebuild of {recorded.id} did not finish",
            hint=f"harness status --runs {context.layout.root}",
        )
    found = rebuild.compare(context, recorded, result.plan)
    if as_json:
        console.show_json("record rebuild", rebuilt_document(found))
    else:
        steps = [(name, "equal" if same else "OTHER") for name, same in found.outputs.items()]
        console.show_table("outputs", ("step", "than recorded"), steps)
        console.show_table("scores: J and F", ("score", "recorded", "rebuilt"), _both(found))
    if not found.identical:
        raise NotAsExpected(
            f"the scores of the rebuild are not those of {recorded.id}",
            hint=f"harness record diff {recorded.id} {found.again.id} --with {into}",
        )
    if not as_json:
        console.out.print("All scores are equal, bit for bit.")


def _both(found: "Rebuilt") -> list[tuple[str, str, str]]:
    return [
        (label, _score((one.J, one.F)), _score((other.J, other.F) if other else None))
        for label, (one, other) in found.scores.items()
    ]


def _show_differences(title: str, differences: "list[Difference] | tuple[Difference, ...]") -> None:
    from harness import console
    from harness.evidence.suspects import show_sides, show_steps

    rows = [
        (one.kind.title, one.fact, *show_sides(one.left, one.right), show_steps(one.steps))
        for one in differences
    ]
    if rows:
        columns = ("kind", "what", "left", "right", "where")
        console.show_table(title, columns, rows, prose=columns[2:])


def _show_scores(found: "Comparison") -> None:
    from harness import console

    rows = [(label, *map(_score, sides)) for label, sides in found.scores.items()]
    if rows:
        console.show_table("scores: J and F", ("score", "left", "right"), rows)


def _score(pair: tuple[float, float] | None) -> str:
    return "-" if pair is None else "{:.2f}  {:.2f}".format(*pair)


def _warn(evidence: "Evidence") -> None:
    from harness import console

    for line in evidence.damage:
        console.err.print(line)


def _cells(row: dict[str, Any], columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        _instant(row[column]) if column in {"start", "end"} else _cell(row[column])
        for column in columns
    )


def _instant(text: str | None) -> str:
    """A moment in UTC, to the second."""
    return "-" if text is None else text[:19].replace("T", " ")


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:.1f}"
    return "-" if value is None else str(value)
