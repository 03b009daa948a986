"""Commands about environments, what they stand on, and mirrors of all that is needed."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.app import app, mirror_app
from harness.cli.options import (
    Base,
    CaBundle,
    Data,
    Json,
    Methods,
    Mirror,
    Project,
    Runs,
    RuntimeText,
    ScaleText,
    StackName,
    Wheelhouse,
    make_context,
    parse_runtime,
    parse_scale,
)
from harness.errors import MismatchError, NotReadyError


@app.command()
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
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    ca_bundle: CaBundle = None,
    wheelhouse: Wheelhouse = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Build the environments that methods need."""
    from harness import console
    from harness.commands import build as imaging

    context = make_context(project, runs, mirror, None, ca_bundle, wheelhouse, base, fresh=no_cache)
    rows = imaging.build_methods(
        context, methods, stack, parse_runtime(runtime), console.err.print, push
    )
    if as_json:
        console.show_json({"built": rows})
        return
    names = ("method", "stack", "id", "handle", *(["pushed"] if push else []))
    console.show_table("built", names, [[row[name] for name in names] for row in rows])


@app.command()
def lock(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail where a tag has moved.")
    ] = False,
    runtime: RuntimeText = "docker",
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Pin the base images that their registries have now, in harness.lock."""
    from harness import console
    from harness.commands import build as imaging

    pins = imaging.lock_bases(make_context(project, None), parse_runtime(runtime), check=check)
    if as_json:
        rows = [{"name": p.name, "pinned": p.pinned, "current": p.current} for p in pins]
        console.show_json({"bases": rows})
        return
    cells = [(p.name, p.current, "pinned anew" if p.moved else "as pinned") for p in pins]
    console.show_table("base images", ("name", "digest", "state"), cells)


@mirror_app.command("create")
def mirror_create(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the mirror is, or will be.")],
    methods: Annotated[list[str] | None, typer.Argument(help="Methods; all if left out.")] = None,
    *,
    scale: ScaleText = "paper",
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    data: Data = None,
    ca_bundle: CaBundle = None,
    wheelhouse: Wheelhouse = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Gather repositories, packages, images and assets, so that no network is needed later."""
    from harness import console
    from harness.commands import mirror as mirroring

    context = make_context(project, runs, mirror, data, ca_bundle, wheelhouse, base)
    choice = (stack, parse_scale(scale), parse_runtime(runtime))
    made = mirroring.create(context, folder, methods or ["all"], choice, console.err.print)
    if as_json:
        console.show_json(made)
        raise typer.Exit(NotReadyError.exit_code if made["missing"] else 0)
    parts = ("repositories", "images", "assets")
    rows = [(part, str(len(made[part])), ", ".join(made[part])) for part in parts]
    console.show_table(f"mirror {folder}", ("part", "count", "what"), rows)
    console.out.print(f"{made['files']} files, {made['bytes'] / 1e9:.2f} GB", markup=False)
    if made["missing"]:
        lines = "\n".join(f"  - {name}: {how}" for name, how in made["missing"].items())
        raise NotReadyError(
            f"the mirror lacks assets that nothing can download:\n{lines}",
            hint="add them, then run the same command again; the rest of the mirror is complete",
        )


@mirror_app.command("verify")
def mirror_verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A mirror.")],
    *,
    as_json: Json = False,
) -> None:
    """Hash every file of a mirror again and compare it with the mirror's list."""
    from harness import console
    from harness.environments.mirror_folder import verify_mirror
    from harness.plan.keys import plain

    listed, damage = verify_mirror(folder)
    if as_json:
        document = {"ok": not damage, "files": len(listed.files), "damage": plain(damage)}
        console.show_json(document)
        raise typer.Exit(MismatchError.exit_code if damage else 0)
    if damage:
        lines = [f"  {one.path}: expected {one.expected}, found {one.found}" for one in damage]
        raise MismatchError(
            f"{folder}: {len(damage)} of {len(listed.files)} files differ:\n" + "\n".join(lines),
            hint="remove what differs, and run `harness mirror create` again where a network is",
        )
    console.out.print(f"{folder}: {len(listed.files)} files as listed", markup=False)
