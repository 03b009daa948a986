"""The command that opens a shell in a step."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json, RunStep

if TYPE_CHECKING:
    from harness.commands.where import Where


@app.command()
@takes("project", "runs", "mirror", "data", "ca_bundle", "base")
def shell(
    name: RunStep,
    *,
    print_: Annotated[
        bool, typer.Option("--print", help="Print a line to paste into a shell, do not start it.")
    ] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Open a shell in a step's environment, with its inputs and the folder of its last failure."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.shell import prepared, start

    notify = console.err.print
    with prepared(
        Context.open(where, writes=True, inspects=True), name, notify, keep=print_ or as_json
    ) as ready:
        if as_json:
            console.show_json("shell", ready.as_dict())
        elif print_:
            console.out.print(ready.program.line())
        else:
            notify(f"the step's own command: {shlex.join(ready.step_argv)}")
            raise typer.Exit(start(ready.program))
