"""Commands that show manifests: repositories, methods; and check them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.app import app, manifest_app
from harness.cli.options import Json, takes

if TYPE_CHECKING:
    from harness.commands.context import Where


@app.command()
@takes("project")
def repos(*, where: "Where", as_json: Json = False) -> None:
    """List the pinned repositories of Tab. 8."""
    from harness import console
    from harness.commands.context import Context
    from harness.plan import keys

    repositories = Context.open(where).catalogue.repositories
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
@takes("project")
def methods(*, where: "Where", as_json: Json = False) -> None:
    """List the methods that can be run."""
    from harness import console
    from harness.commands.context import Context
    from harness.shapes.methods import method_rows

    rows = method_rows(Context.open(where))
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


@manifest_app.command("check")
@takes("project")
def manifest_check(*, where: "Where", as_json: Json = False) -> None:
    """Read every manifest strictly."""
    from harness import console
    from harness.commands.context import Context
    from harness.manifest.load import load_published, method_names

    context = Context.open(where)
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
        console.out.print(f"manifests hold: {counts}")


@manifest_app.command("schema")
def manifest_schema(folder: Path) -> None:
    """Write the JSON Schema of manifests, measurements and profiles of clusters into a folder."""
    import json

    from harness.commands.places import folder_to_be, make_writable
    from harness.manifest.load import json_schemas
    from harness.measured.kept import json_schema
    from harness.slurm.profile import json_schema as profile_schema

    make_writable(folder_to_be(folder, "FOLDER"), "FOLDER")
    schemas = {**json_schemas(), "measurement": json_schema(), "slurm_profile": profile_schema()}
    for name, schema in schemas.items():
        text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def _stages(stages: Any) -> str:
    return ", ".join(f"{method} {text}" for method, text in stages.items())
