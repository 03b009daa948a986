"""The command that schedulers call: one step of a saved plan."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import ANYWHERE, takes
from harness.cli.parameters import Json, Retry, TrustStore
from harness.cli.work import stopping

if TYPE_CHECKING:
    from harness.commands.where import Where


@app.command("exec-step")
@takes(*ANYWHERE)
def exec_step(
    plan: Annotated[str, typer.Argument(help="Id of a plan under runs/plans, or its beginning.")],
    key: Annotated[str, typer.Argument(help="Key of a step of the plan, or its beginning.")],
    *,
    retries: Retry = 2,
    patience: Annotated[
        float, typer.Option(min=0, help="Wait so many seconds for inputs from other hosts.")
    ] = 0.0,
    lost_after: Annotated[
        float, typer.Option(min=15, help="Seconds without heartbeat until a host counts as lost.")
    ] = 300.0,
    trust_allocation: Annotated[
        bool,
        typer.Option("--trust-allocation", help="Use the GPUs of the job without a driver's word."),
    ] = False,
    trust_store: TrustStore = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Bring one step of a saved plan into the store; for schedulers, which may call it again."""
    from dataclasses import replace

    from harness import console
    from harness.commands.context import Context
    from harness.commands.exec_step import StepWork
    from harness.commands.exec_step import exec_step as run
    from harness.execution.faults import Retries
    from harness.shapes.submitted import executed_document

    context = replace(Context.open(where, writes=True), lost_after=lost_after)
    work = StepWork(
        stopping=stopping(lambda: None),
        retries=Retries.at_most(retries),
        trust_store=trust_store,
        trust_allocation=trust_allocation,
        patience=patience,
        notify=console.err.print,
    )
    result = run(context, plan, key, work)
    outcome = result.outcome
    if as_json:
        console.show_json("exec-step", executed_document(result))
    else:
        console.out.print(f"{result.step.title}: {outcome.status}")
    if outcome.error:
        console.err.print(
            f"{outcome.error}\nhint: {outcome.hint}" if outcome.hint else outcome.error
        )
    raise typer.Exit(outcome.exit_code)
