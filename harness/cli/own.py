"""The command that starts a method of one's own."""

from typing import Annotated

import typer

from harness.cli.app import method_app
from harness.cli.options import Json, Mirror, Project, make_context


@method_app.command("new")
def method_new(
    name: str,
    *,
    url: Annotated[str, typer.Option(help="The repository of its stages 1-6.")],
    commit: Annotated[str, typer.Option(help="The full commit id to pin.")],
    project: Project = None,
    mirror: Mirror = None,
    as_json: Json = False,
) -> None:
    """Pin a repository and write a manifest and an environment that plan as they stand."""
    from harness import console
    from harness.commands.method_new import new_method

    written = new_method(make_context(project, None, mirror), name, url, commit)
    if as_json:
        console.show_json({"method": name, "written": [str(path) for path in written]})
        return
    for path in written:
        console.out.print(str(path), markup=False)
    console.out.print(f"next: look for TODO in them; `harness plan {name}`", markup=False)
