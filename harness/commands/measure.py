"""Keep what each step of a rehearsal took, and hand it over."""

from collections.abc import Iterable
from pathlib import Path
from threading import Event

from harness.commands.context import Context
from harness.errors import UsageError
from harness.execution.keeper import Execute
from harness.execution.outcome import Outcome, Status
from harness.measured.kept import keep, read_kept, share
from harness.measured.measurement import Measurement
from harness.measured.taking import measurement_of
from harness.plan.plan import BoundStep, Plan

_PREPARATION = 1  # the stage of lists and of what stands in for data: nothing of the paper's


def measuring(context: Context, plan: Plan, execute: Execute) -> Execute:
    """`execute`; what a step of a rehearsal took is kept while all that it wrote is there."""
    if not plan.scale.rehearsed:
        return execute

    def execute_and_measure(step: BoundStep, stop: Event, gpus: tuple[str, ...]) -> Outcome:
        outcome = execute(step, stop, gpus)
        if outcome.status is Status.DONE and step.stage > _PREPARATION:
            _keep_measurement(context, plan, step)
        return outcome

    return execute_and_measure


def _keep_measurement(context: Context, plan: Plan, step: BoundStep) -> None:
    """Keep what a finished step took; nothing if it has no record."""
    record = context.store.record(step.key)
    if record is not None:
        run = next(planned.run for planned in plan.runs if step.key in planned.steps.values())
        entry = context.layout.entry(step.key)
        keep(context.layout, measurement_of(step, run, entry, record))


def measured_steps(context: Context, plan: Plan) -> list[Measurement]:
    """What the steps of a plan took, in its order."""
    known = {one.key: one for one in read_kept(context.layout).measurements}
    return [known[key] for key in plan.steps if key in known]


def share_measurements(file: Path, measurements: Iterable[Measurement]) -> int:
    """Write measurements to send in; how many. Raises UsageError if there are none."""
    found = list(measurements)
    if not found:
        raise UsageError(
            "--share: no step of this rehearsal was measured",
            hint="see which step failed; the same command goes on from there",
        )
    share(file, found)
    return len(found)
