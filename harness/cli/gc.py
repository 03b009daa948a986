"""Commands that remove garbage and stop what runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json, RunOrStep

if TYPE_CHECKING:
    from harness.commands.where import Where

_PATIENCE_SECONDS = 30.0


@app.command()
@takes("project", "runs", "mirror", "base")
def gc(
    *,
    store: Annotated[
        bool, typer.Option("--store", help="Also finished steps that no plan wants.")
    ] = False,
    cache: Annotated[
        bool, typer.Option("--cache", help="Also checkouts and venvs that no manifest gives.")
    ] = False,
    images: Annotated[
        bool, typer.Option("--images", help="Also images that no manifest gives.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Remove what executions wrote and nobody needs; nothing that is in use."""
    from harness import console
    from harness.commands import gc as verbs
    from harness.commands.context import Context
    from harness.errors import NotReadyError

    kinds = verbs.Kinds(store=store, cache=cache, images=images)
    found = verbs.find(Context.open(where, inspects=True), kinds, console.err.print)
    removed = [verbs.Removed(one) for one in found] if dry_run else list(verbs.sweep(found))
    gone = [one.garbage for one in removed if one.error is None]
    total = sum(one.size or 0 for one in gone)
    if as_json:
        rows = [
            {"kind": one.garbage.kind, "name": one.garbage.name, "bytes": one.garbage.size}
            | {"why": one.garbage.why, "error": one.error}
            for one in removed
        ]
        console.show_json("gc", {"dry_run": dry_run, "bytes": total, "found": rows})
    elif not removed:
        console.out.print("nothing to remove")
    else:
        cells = [(one.kind, one.name, console.size(one.size), one.why) for one in gone]
        title = f"{'would go' if dry_run else 'removed'}: {console.size(total)}"
        console.show_table(title, ("kind", "name", "size", "why"), cells, prose=("why",))
    kept = [one for one in removed if one.error is not None]
    if kept:
        raise NotReadyError(
            "\n".join(f"{one.garbage.name}: {one.error}" for one in kept),
            hint="the rest was removed; fix that, then run gc again",
        )


@app.command()
@takes("project", "runs")
def cancel(
    name: RunOrStep,
    *,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Stop the running steps of a run, whoever runs them."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.gc import cancel as stop
    from harness.errors import NotReadyError

    ended = stop(Context.open(where, inspects=True), name, _PATIENCE_SECONDS)
    running = [one for one in ended if one.holder]
    if as_json:
        rows = [
            {"name": one.step.name, "key": one.step.key, "state": one.state, "holder": one.holder}
            for one in ended
        ]
        console.show_json("cancel", {"finished": not ended, "cancelled": rows})
        raise typer.Exit(NotReadyError.exit_code if running else 0)
    stopped = [(one.step.name, one.state) for one in ended if one.state == "stopped"]
    if stopped:
        console.show_table("cancelled", ("step", "state"), stopped)
    elif not running:
        what = "nothing of it is under way" if ended else "it is finished"
        console.out.print(f"{name}: {what}; nothing was cancelled")
    if running:
        raise NotReadyError(
            "\n".join(f"{one.step.name}: still run by {one.holder}" for one in running),
            hint="it was asked to stop; see `harness status`, or end that process",
        )
