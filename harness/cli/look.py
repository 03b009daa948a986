"""Commands that show what is there, and what executions left."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.app import app, assets_app, manifest_app
from harness.cli.options import (
    Data,
    Json,
    Project,
    Runs,
    make_context,
)

_REPOSITORIES_TABLE = 8


@app.command()
def status(*, project: Project = None, runs: Runs = None, as_json: Json = False) -> None:
    """Where every planned run stands, from the files alone."""
    from harness import console
    from harness.commands import inspect as review
    from harness.plan import keys

    found = review.status(make_context(project, runs))
    if as_json:
        rows = [{**keys.plain(run), "state": run.state} for run in found]
        console.show_json({"runs": rows})
        return
    cells = []
    for run in found:
        done = sum(step.state == "done" for step in run.steps)
        now = next((s.name for s in run.steps if s.state in {"running", "failed"}), "")
        cells.append((run.id, run.state, f"{done}/{len(run.steps)}", now))
    console.show_table("runs", ("run", "state", "steps", "now"), cells)


@app.command()
def logs(
    step: Annotated[str, typer.Argument(help="RUN/STEP")],
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the step ends.")] = False,
    project: Project = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print a step's log."""
    from harness import console
    from harness.commands import inspect as review

    context = make_context(project, runs)
    found = review.find_step(context, step)
    pieces = review.read_log(context, found, follow=follow)
    if as_json:
        console.show_json({"step": found.name, "key": found.key, "log": "".join(pieces)})
        return
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()


@app.command()
def why(
    step: Annotated[str, typer.Argument(help="RUN/STEP")],
    *,
    project: Project = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """What differs between a step's key and the nearest finished one."""
    from harness import console
    from harness.commands import inspect as review

    context = make_context(project, runs)
    found = review.find_step(context, step)
    nearest, differing = review.why(context, found)
    if as_json:
        rows = [{"part": p, "finished": a, "planned": b} for p, a, b in differing]
        console.show_json({"step": found.name, "key": found.key, "nearest": nearest, "parts": rows})
    elif nearest is None:
        console.out.print(f"{found.name}: no step of that name is finished")
    elif not differing:
        console.out.print(f"{found.name}: finished under its key {found.key[:12]}")
    else:
        cells = [(p, str(a), str(b)) for p, a, b in differing]
        console.show_table(
            f"{found.name} {found.key[:12]}, nearest finished {nearest[:12]}",
            ("part", "finished", "planned"),
            cells,
        )


@app.command()
def repos(*, project: Project = None, as_json: Json = False) -> None:
    """The pinned repositories of Tab. 8."""
    from harness import console
    from harness.plan import keys

    repositories = make_context(project, None).catalogue.repositories
    if as_json:
        console.show_json({"repositories": keys.plain(repositories)})
        return
    rows = [
        (name, r.url, r.commit[:12], r.date, r.licence or "none", _stages(r.stages))
        for name, r in repositories.items()
    ]
    columns = ("repository", "URL", "commit", "date", "licence", "stages")
    console.show_table("repositories", columns, rows)


@app.command()
def table(
    number: Annotated[int, typer.Argument(help="Its number in the paper: 8.")],
    *,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """A table of the paper, from the manifests."""
    from harness import console, shapes
    from harness.errors import UsageError

    if number != _REPOSITORIES_TABLE:
        raise UsageError(f"no table {number}", hint=f"there is: {_REPOSITORIES_TABLE}")
    rows = shapes.table8_rows(make_context(project, None))
    if as_json:
        console.show_json({"table": number, "rows": rows})
        return
    columns = ("method", "backbones", "stages", "repository", "commit", "date", "licence")
    cells = [
        (
            r["method"],
            ", ".join(r["backbones"]),
            r["stages"] or "-",
            r["url"].removeprefix("https://"),
            r["commit"],
            r["date"],
            r["licence"] or "none",
        )
        for r in rows
    ]
    console.show_table("Table 8: the repositories of each chain", columns, cells)


@app.command()
def methods(*, project: Project = None, as_json: Json = False) -> None:
    """The methods that can be run."""
    from harness import console, shapes

    rows = shapes.method_rows(make_context(project, None))
    if as_json:
        console.show_json({"methods": rows})
        return
    cells = [
        (
            r["method"],
            r["title"],
            ", ".join(r["backbones"]),
            ", ".join(r["stacks"]),
            str(r["steps"]),
        )
        for r in rows
    ]
    console.show_table("methods", ("method", "title", "backbones", "stacks", "steps"), cells)


@assets_app.command("list")
def assets_list(
    *, project: Project = None, runs: Runs = None, data: Data = None, as_json: Json = False
) -> None:
    """Which assets are there, and how to get the others."""
    from harness import console
    from harness.plan import keys

    found = make_context(project, runs, None, data).assets.status()
    if as_json:
        console.show_json({"assets": [keys.plain(one) for one in found]})
        return
    cells = [(s.name, s.title, s.state.value, str(s.path or s.how)) for s in found]
    console.show_table("assets", ("asset", "what", "state", "where, or how to get it"), cells)


@assets_app.command("add")
def assets_add(
    name: str, file: Path, *, project: Project = None, runs: Runs = None, as_json: Json = False
) -> None:
    """Take in a file that only a browser can fetch."""
    from harness import console

    path = make_context(project, runs).assets.add(name, file)
    if as_json:
        console.show_json({"asset": name, "path": str(path)})
    else:
        console.out.print(f"{name}: {path}")


@manifest_app.command("check")
def manifest_check(*, project: Project = None, as_json: Json = False) -> None:
    """Read every manifest strictly."""
    from harness import console
    from harness.manifest.load import load_published, method_names

    context = make_context(project, None)
    names = method_names(context.project)
    steps = {name: len(context.method(name).steps) for name in names}
    counts = {
        "repositories": len(context.catalogue.repositories),
        "assets": len(context.catalogue.assets),
        "stacks": len(context.catalogue.stacks),
        "methods": steps,
        "published numbers": len(load_published(context.project).numbers),
    }
    if as_json:
        console.show_json({"ok": True, **counts})
    else:
        console.out.print(f"manifests hold: {counts}", markup=False)


@manifest_app.command("schema")
def manifest_schema(folder: Path) -> None:
    """Write the JSON Schema of each manifest into a folder."""
    import json

    from harness.manifest.load import json_schemas

    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def _stages(stages: Any) -> str:
    return ", ".join(f"{method} {text}" for method, text in stages.items())
