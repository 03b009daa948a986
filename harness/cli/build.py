"""Commands about environments and the base images of images."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.asked import parse_runtime
from harness.cli.options import takes
from harness.cli.parameters import Json, Methods, RuntimeText, StackName

if TYPE_CHECKING:
    from harness.commands.where import Where


@app.command()
@takes("project", "runs", "mirror", "ca_bundle", "wheelhouse", "base")
def build(
    methods: Methods,
    *,
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Build images again, from the first layer.")
    ] = False,
    push: Annotated[
        str | None,
        typer.Option(help="Push the images to this registry, such as registry.example:5000/lab."),
    ] = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Build the environments that methods need."""
    from harness import console
    from harness.commands.build import build_methods
    from harness.commands.context import Context

    context = Context.open(where, writes=True, fresh=no_cache)
    named = parse_runtime(runtime)
    rows = build_methods(context, methods, stack, named, console.err.print, push)
    if as_json:
        console.show_json("build", {"built": rows})
        return
    names = ("method", "stack", "id", "handle", *(["pushed"] if push else []))
    console.show_table("built", names, [[row[name] for name in names] for row in rows])


@app.command()
@takes("project")
def lock(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail where a tag has moved.")
    ] = False,
    runtime: RuntimeText = "docker",
    where: "Where",
    as_json: Json = False,
) -> None:
    """Pin, in harness.lock, the base images that their registries have now."""
    from harness import console
    from harness.commands.build import lock_bases
    from harness.commands.context import Context

    pins = lock_bases(Context.open(where), parse_runtime(runtime), check=check)
    if as_json:
        rows = [{"name": p.name, "pinned": p.pinned, "current": p.current} for p in pins]
        console.show_json("lock", {"bases": rows})
        return
    cells = [(p.name, p.current, "new pin" if p.moved else "as pinned") for p in pins]
    console.show_table("base images", ("name", "digest", "state"), cells)
