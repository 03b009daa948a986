"""Commands that show repositories and check manifests."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.app import app, manifest_app
from harness.cli.options import takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.where import Where


@app.command()
@takes("project")
def repos(*, where: "Where", as_json: Json = False) -> None:
    """List the pinned repositories of Tab. 8."""
    from harness import console
    from harness.commands.context import Context
    from harness.plan import keys

    repositories = Context.open(where).catalogue.repositories
    if as_json:
        plain = keys.plain(repositories)
        rows_ = [{"name": name, **one} for name, one in plain.items()]
        console.show_json("repos", {"repositories": rows_})
        return
    rows = [
        (name, r.url, r.commit[:12], r.date, r.licence or "none", _stages(r.stages))
        for name, r in repositories.items()
    ]
    columns = ("repository", "URL", "commit", "date", "licence", "stages")
    console.show_table("repositories", columns, rows, prose=("stages",))


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
        methods = [{"name": name, "steps": count} for name, count in steps.items()]
        document = {name.replace(" ", "_"): count for name, count in counts.items()}
        console.show_json("manifest check", {"ok": True, **document, "methods": methods})
    else:
        console.out.print(f"manifests hold: {counts}")


@manifest_app.command("schema")
def manifest_schema(folder: Path) -> None:
    """Write the JSON Schema of manifests, measurements, profiles and --json into a folder."""
    import json

    from harness.commands.places import folder_to_be, make_writable
    from harness.manifest.load import json_schemas
    from harness.measured.kept import json_schema
    from harness.shapes.outputs import output_schemas
    from harness.slurm.profile import json_schema as profile_schema

    make_writable(folder_to_be(folder, "FOLDER"), "FOLDER")
    outputs = {f"output/{n.replace(' ', '-')}": one for n, one in output_schemas().items()}
    own = {"measurement": json_schema(), "slurm_profile": profile_schema()}
    schemas = {**json_schemas(), **own, **outputs}
    for name, schema in schemas.items():
        text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
        place = folder / f"{name}.schema.json"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")


def _stages(stages: Any) -> str:
    return ", ".join(f"{method} {text}" for method, text in stages.items())
