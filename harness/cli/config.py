"""The command that shows defaults of one's own."""

from typing import TYPE_CHECKING

from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.where import Where


@app.command()
@takes("project")
def config(*, where: "Where", as_json: Json = False) -> None:
    """Show what variables and harness.toml set, and what counts without them."""
    from harness import console
    from harness.commands.places import find_project
    from harness.commands.settings import all_settings, settings_files
    from harness.shapes.settings import setting_row, settings_file_row

    project = find_project(where.project)
    rows = [setting_row(one) for one in all_settings(project)]
    files = [settings_file_row(file) for file in settings_files(project)]
    if as_json:
        console.show_json("config", {"settings": rows, "files": files})
        return
    cells = [(row["name"], row["value"] or "", row["origin"]) for row in rows]
    console.show_table("settings", ("name", "value", "set by"), cells)
    for file in files:
        console.out.print(f"{file['name']}: {'read' if file['found'] else 'not there'}")
