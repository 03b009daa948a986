"""The one function that brings a step of a plan into the store; every executor calls it."""

import os
from collections.abc import Mapping

from harness.commands.context import Context, Notify
from harness.commands.measure import measuring
from harness.execution.faults import Retries
from harness.execution.keeper import Execute, Keeper
from harness.execution.outcome import Ready
from harness.execution.runner import StepRunner
from harness.plan.plan import BoundStep, Plan
from harness.runtimes.runtime import Runtime
from harness.store.verification import Verifier

#: The label that names the batch job whose child a container is.
JOB = "harness.job"


def step_function(  # noqa: PLR0913 - what an execution needs
    context: Context,
    runtime: Runtime,
    ready: Ready,
    keeper: Keeper,
    verifier: Verifier,
    *,
    retries: Retries,
    notify: Notify,
) -> Execute:
    """Lease a step, look whether it is done, run, check, publish, drop what nobody needs.

    It may be called again and at the same time, by other processes and hosts too: the step is
    published once.
    """
    runner = StepRunner(
        context.store,
        runtime,
        ready,
        verifier=verifier,
        is_done=keeper.is_done,
        retries=retries,
        labels=lambda step: labels(context, keeper.plan, step),
        notify=notify,
    )
    return keeper.sweeping(measuring(context, keeper.plan, runner.execute))


def labels(context: Context, plan: Plan, step: BoundStep) -> dict[str, str]:
    """What an execution carries besides its key, so that people and gc know whose it is."""
    run = next(planned.id for planned in plan.runs if step.whole in planned.steps.values())
    owner = context.store.leases.owner
    return {
        "harness.runs": str(context.layout.root),
        "harness.plan": plan.id,
        "harness.run": run,  # the first of those that share the step
        "harness.owner": f"{owner.host} {owner.pid} {owner.start}",
        **_job(os.environ),
    }


def _job(environ: Mapping[str, str]) -> dict[str, str]:
    job = environ.get("SLURM_JOB_ID")
    return {JOB: job} if job else {}
