"""The command that looks at this machine."""

from typing import Annotated

import typer

from harness.cli.app import app
from harness.cli.options import (
    Backbone,
    Base,
    Data,
    Gpus,
    Json,
    LossesText,
    Mirror,
    OptionList,
    Project,
    Runs,
    RuntimeText,
    ScaleText,
    Seed,
    Seeds,
    StackName,
    Until,
    make_ask,
    make_context,
)


@app.command()
def doctor(
    method: Annotated[
        str | None, typer.Argument(help="A method by name; none: the machine.")
    ] = None,
    *,
    backbone: Backbone = None,
    losses: LossesText = "all",
    seeds: Seeds = None,
    seed: Seed = None,
    scale: ScaleText = "paper",
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    option: OptionList = None,
    until: Until = None,
    gpus: Gpus = None,
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    data: Data = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Check what this machine has against what a method needs, and say how to mend it."""
    from harness import console
    from harness.doctor import State, examine
    from harness.errors import NotReadyError
    from harness.plan import keys

    ask = make_ask(
        [method] if method else [],
        backbone,
        losses,
        seeds,
        seed,
        scale,
        stack,
        runtime,
        option,
        until,
        with_test=False,
    )
    context = make_context(project, runs, mirror, data, None, None, base, examined=True)
    report = examine(context, ask, gpus)
    if as_json:
        lines = [keys.plain(line) for line in report.lines]
        console.show_json({"method": report.method, "ready": report.ready, "lines": lines})
    else:
        cells = [(line.check, line.state.value, line.found, line.needed) for line in report.lines]
        console.show_table("doctor", ("check", "state", "found", "needed"), cells)
        for line in report.lines:
            if line.state is not State.OK:
                console.out.print(f"{line.check} ({line.state}): {line.mend}", markup=False)
    if not report.ready:
        raise typer.Exit(NotReadyError.exit_code)
