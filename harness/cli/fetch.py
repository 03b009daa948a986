"""The command that fetches sources and assets."""

from typing import TYPE_CHECKING

from harness.cli.app import app
from harness.cli.asked import parse_scale
from harness.cli.options import takes
from harness.cli.parameters import Json, Methods, ScaleText

if TYPE_CHECKING:
    from harness.commands.where import Where


@app.command()
@takes("project", "runs", "mirror", "data", "ca_bundle")
def fetch(
    methods: Methods, *, scale: ScaleText = None, where: "Where", as_json: Json = False
) -> None:
    """Check out the sources and download the assets that methods need."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.fetch import fetch_methods

    rows = fetch_methods(
        Context.open(where, writes=True), methods, parse_scale(scale), console.err.print
    )
    if as_json:
        console.show_json("fetch", {"fetched": rows})
    else:
        pairs = [(row["kind"], row["name"], row["path"]) for row in rows]
        console.show_table("fetched", ("kind", "name", "path"), pairs)
