"""The command that hands a saved plan to a cluster."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.on_cluster import Profile, show_submitted
from harness.cli.options import ANYWHERE, takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.where import Where


@app.command()
@takes(*ANYWHERE)
def submit(
    plan: Annotated[str, typer.Argument(help="Id of a plan under runs/plans, or its beginning.")],
    *,
    profile: Profile = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what had a job and did not finish.")
    ] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Submit what is left of a saved plan to Slurm; jobs that wait or run stay as they are."""
    from harness.commands.context import Context
    from harness.commands.submit import submit_saved

    context = Context.open(where, writes=True)
    submitted = submit_saved(context, where, plan, profile, again=again)
    show_submitted(submitted, "submit", as_json=as_json)
