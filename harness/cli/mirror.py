"""Commands about mirrors: folders to work from without a network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import mirror_app
from harness.cli.asked import parse_runtime, parse_scale
from harness.cli.options import ANYWHERE, takes
from harness.cli.parameters import Json, RuntimeText, ScaleText, StackName
from harness.errors import MismatchError, NotReadyError

if TYPE_CHECKING:
    from harness.commands.where import Where


@mirror_app.command("create")
@takes(*ANYWHERE)
def mirror_create(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the mirror is, or will be.")],
    methods: Annotated[
        list[str] | None,
        typer.Argument(help="Methods; all if left out.", autocompletion=completers.methods),
    ] = None,
    *,
    scale: ScaleText = None,
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    where: "Where",
    as_json: Json = False,
) -> None:
    """Gather repositories, packages, images and assets, so that no network is needed later."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.mirror import create
    from harness.commands.places import folder_to_be, make_writable
    from harness.shapes.mirror import made_document

    make_writable(folder_to_be(folder, "DIR"), "DIR")
    context = Context.open(where, writes=True)
    choice = (stack, parse_scale(scale), parse_runtime(runtime))
    made = create(context, folder, methods or ["all"], choice, console.err.print)
    if as_json:
        console.show_json("mirror create", made_document(made))
        raise typer.Exit(NotReadyError.exit_code if made["missing"] else 0)
    kinds = ("repositories", "images", "assets")
    rows = [(kind, str(len(made[kind])), ", ".join(made[kind])) for kind in kinds]
    console.show_table(f"mirror {folder}", ("kind", "count", "what"), rows, prose=("what",))
    console.out.print(f"{made['files']} files, {made['bytes'] / 1e9:.2f} GB")
    if made["missing"]:
        lines = "\n".join(f"  - {name}: {how}" for name, how in made["missing"].items())
        raise NotReadyError(
            f"assets that nothing can download are missing in the mirror:\n{lines}",
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
    from harness.commands.places import folder_there
    from harness.environments.mirror_folder import verify_mirror
    from harness.shapes.mirror import damaged_file_row

    listed, damage = verify_mirror(folder_there(folder, "DIR"))
    if as_json:
        rows = [damaged_file_row(one) for one in damage]
        document = {"ok": not damage, "files": len(listed.files), "damage": rows}
        console.show_json("mirror verify", document)
        raise typer.Exit(MismatchError.exit_code if damage else 0)
    if damage:
        lines = [f"  {one.path}: expected {one.expected}, found {one.found}" for one in damage]
        raise MismatchError(
            f"{folder}: {len(damage)} of {len(listed.files)} files differ:\n" + "\n".join(lines),
            hint="remove what differs, and run `harness mirror create` again where a network is",
        )
    console.out.print(f"{folder}: {len(listed.files)} files as listed")
