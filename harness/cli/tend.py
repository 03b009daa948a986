"""Commands that tend what executions left or have under way: gc, cancel, shell."""

import shlex
from typing import Annotated

import typer

from harness.cli.app import app
from harness.cli.options import Base, Data, Json, Mirror, Project, Runs, make_context

_PATIENCE_SECONDS = 30.0


@app.command()
def gc(
    *,
    store: Annotated[
        bool, typer.Option("--store", help="Finished steps that no plan wants, too.")
    ] = False,
    cache: Annotated[
        bool, typer.Option("--cache", help="Checkouts and venvs that no manifest gives, too.")
    ] = False,
    images: Annotated[
        bool, typer.Option("--images", help="Images that no manifest gives, too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Remove what executions left and nobody needs; nothing that anybody works at."""
    from harness import console
    from harness.commands import gc as tending
    from harness.errors import NotReadyError

    context = make_context(project, runs, mirror, base=base)
    choice = tending.Choice(store=store, cache=cache, images=images)
    found = tending.find(context, choice, lambda text: console.err.print(text, markup=False))
    swept = [tending.Swept(one) for one in found] if dry_run else list(tending.sweep(found))
    gone = [one.litter for one in swept if one.error is None]
    total = sum(one.size or 0 for one in gone)
    if as_json:
        rows = [
            {"kind": s.litter.kind, "name": s.litter.name, "bytes": s.litter.size}
            | {"why": s.litter.why, "error": s.error}
            for s in swept
        ]
        console.show_json({"dry_run": dry_run, "bytes": total, "found": rows})
    elif not swept:
        console.out.print("nothing to remove")
    else:
        cells = [(one.kind, one.name, console.size(one.size), one.why) for one in gone]
        title = "would go" if dry_run else "removed"
        console.show_table(
            f"{title}: {console.size(total)}", ("kind", "name", "size", "why"), cells
        )
    left = [one for one in swept if one.error is not None]
    if left:
        raise NotReadyError(
            "\n".join(f"{one.litter.name}: {one.error}" for one in left),
            hint="the rest was removed; run gc again once that is mended",
        )


@app.command()
def cancel(
    name: Annotated[str, typer.Argument(metavar="RUN[/STEP]")],
    *,
    project: Project = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Stop the steps of a run that are under way, whoever runs them."""
    from harness import console
    from harness.commands import gc as tending

    ended = tending.cancel(make_context(project, runs), name, _PATIENCE_SECONDS)
    if as_json:
        rows = [
            {"step": one.step.name, "key": one.step.key, "state": one.state, "holder": one.holder}
            for one in ended
        ]
        console.show_json({"cancelled": rows})
        return
    cells = [(one.step.name, one.state, one.holder or "") for one in ended if one.state != "idle"]
    console.show_table("cancelled", ("step", "state", "by whom it still runs"), cells)


@app.command()
def shell(
    name: Annotated[str, typer.Argument(metavar="RUN/STEP")],
    *,
    print_: Annotated[
        bool, typer.Option("--print", help="Print the command line, do not start it.")
    ] = False,
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    data: Data = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Open a shell in a step's environment, with its inputs and the folder of its last failure."""
    from harness import console
    from harness.commands import shell as shelling

    context = make_context(project, runs, mirror, data, base=base)

    def say(text: str) -> None:
        console.err.print(text, markup=False)

    with shelling.prepared(context, name, say, keep=print_ or as_json) as ready:
        if as_json:
            console.show_json({"argv": list(ready.program.argv), "step": list(ready.step_argv)})
        elif print_:
            console.out.print(shlex.join(ready.program.argv), markup=False)
        else:
            say(f"the step's own command: {shlex.join(ready.step_argv)}")
            raise typer.Exit(shelling.start(ready.program))
