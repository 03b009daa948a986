"""The command that starts a new method."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import method_app
from harness.cli.options import takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.where import Where


@method_app.command("new")
@takes("project", "mirror", "ca_bundle")
def method_new(
    name: str,
    *,
    url: Annotated[str, typer.Option(help="The repository of its stages 1-6.")],
    commit: Annotated[str, typer.Option(help="The full commit id to pin.")],
    where: "Where",
    as_json: Json = False,
) -> None:
    """Pin a repository and write a manifest and an environment that can be planned at once."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.method_new import new_method

    written = new_method(Context.open(where), name, url, commit)
    if as_json:
        console.show_json(
            "method new", {"method": name, "written": [{"name": str(path)} for path in written]}
        )
        return
    for path in written:
        console.out.print(str(path))
    console.out.print(f"next: replace every TODO in them; `harness plan {name}`")
