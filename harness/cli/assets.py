"""Commands about data sets and weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import assets_app
from harness.cli.options import takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.where import Where


@assets_app.command("list")
@takes("project", "runs", "data")
def assets_list(*, where: "Where", as_json: Json = False) -> None:
    """List the assets that are there, and how to get the others."""
    from harness import console
    from harness.commands.context import Context
    from harness.plan import keys

    found = Context.open(where).assets.status()
    if as_json:
        console.show_json("assets list", {"assets": [keys.plain(one) for one in found]})
        return
    cells = [(s.name, s.title, s.state.value, str(s.path or s.how)) for s in found]
    columns = ("asset", "what", "state", "where, or how to get it")
    console.show_table("assets", columns, cells, prose=("what", columns[-1]))


@assets_app.command("add")
@takes("project", "runs")
def assets_add(
    name: Annotated[str, typer.Argument(autocompletion=completers.assets)],
    file: Path,
    *,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Add a file that only a browser can download."""
    from harness import console
    from harness.commands.context import Context

    path = Context.open(where, writes=True).assets.add(name, file)
    if as_json:
        console.show_json("assets add", {"assets": [{"name": name, "path": str(path)}]})
    else:
        console.out.print(f"{name}: {path}")
