"""The verb `exec-step`: bring one step of a saved plan into the store, for any scheduler."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Event

from harness.commands.build import build
from harness.commands.context import Context, Notify
from harness.commands.fetch import fetch
from harness.commands.settled import keep_end, write_settled_runs
from harness.commands.step import JOB, step_function
from harness.errors import HarnessError, Interrupted, StepError, UsageError
from harness.execution.faults import Retries
from harness.execution.keeper import Keeper
from harness.execution.outcome import Outcome
from harness.gpus.allocation import allocated
from harness.plan.plan import BoundStep, Plan
from harness.runtimes.runtime import Runtime
from harness.store.ends import forget_end
from harness.store.plans import attending, read_saved
from harness.store.verification import Verifier

_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWork:
    """How to execute one step."""

    stopping: Callable[[], AbstractContextManager[Event]]  # catches Ctrl-C and TERM
    retries: Retries = field(default_factory=Retries)
    trust_store: bool = False  # read stored files of the right number and size unhashed
    trust_allocation: bool = False  # take the GPUs that the batch system names, unseen
    patience: float = 0.0  # seconds for files of other hosts to be seen here
    notify: Notify = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What `exec-step` did."""

    plan: Plan
    step: BoundStep
    outcome: Outcome


def exec_step(context: Context, plan_id: str, key: str, work: StepWork) -> StepResult:
    """Execute the step, and write down how it ended.

    Raises UsageError for a plan or step that is not there.
    """
    plan, keep = read_saved(context.layout, plan_id)
    step = find_step(plan, key)
    keeper = Keeper(context.store, plan, keep=keep, notify=work.notify)
    with attending(context.store, plan.id), work.stopping() as stop:
        forget_end(context.layout, plan.id, step.key)
        try:
            outcome = _execute(context, keeper, step, work, stop)
        except Interrupted as error:
            outcome = Outcome.interrupted(error)
        except HarnessError as error:
            outcome = Outcome.failed(error)
        keep_end(context, plan, step.key, outcome)
        write_settled_runs(context, plan, step.key)
    return StepResult(plan=plan, step=step, outcome=outcome)


def find_step(plan: Plan, key: str) -> BoundStep:
    """The step of that key, or of the only key that begins so. Raises UsageError."""
    found = [one for one in plan.steps if key and one.startswith(key)]
    if len(found) != 1:
        what = "is the beginning of several keys" if found else "is no step"
        raise UsageError(
            f"{key!r} {what} of plan {plan.id}", hint="`harness status --json` shows the keys"
        )
    return plan.steps[found[0]]


def _execute(
    context: Context, keeper: Keeper, step: BoundStep, work: StepWork, stop: Event
) -> Outcome:
    verifier = Verifier(context.store, trust=work.trust_store)
    if (cached := keeper.cached(step)) is not None:
        return cached
    _wait_for_inputs(context, step, work.patience, stop)
    fetched = fetch(context, [step], work.notify)
    ready = build(context, keeper.plan.runtime, [step], fetched, work.notify)
    runtime = context.runtime(keeper.plan.runtime, step.scale)
    _end_orphans(context, runtime, step, work.notify)
    run_step = step_function(
        context, runtime, ready, keeper, verifier, retries=work.retries, notify=work.notify
    )
    with _gpus(context, runtime, step, work, stop) as gpus:
        return run_step(step, stop, gpus)


def _wait_for_inputs(context: Context, step: BoundStep, patience: float, stop: Event) -> None:
    """Wait until this host sees what parents published. Raises StepError if it does not.

    A network file system may show files of another host some seconds late.
    """
    deadline = time.monotonic() + patience
    while missing := _missing_inputs(context, step):
        if time.monotonic() >= deadline:
            raise StepError(
                f"{step.title} reads {', '.join(missing)}, which is not there",
                hint="run what comes before it: a parent failed, or was not run",
            )
        if stop.wait(min(_LOOK_SECONDS, patience)):
            raise Interrupted(f"{step.title} stopped", hint="run the same command again")


def _missing_inputs(context: Context, step: BoundStep) -> list[str]:
    read = [(name, one) for name, one in step.inputs.items() if one.kind == "step"]
    return [
        f"/in/{name} of {one.ref[:12]}"
        for name, one in read
        if not (context.store.recorded(one.ref) and context.store.there(one.ref, one.path))
    ]


def _end_orphans(context: Context, runtime: Runtime, step: BoundStep, notify: Notify) -> None:
    """End the containers on this host whose batch job is gone: they hold its GPUs and memory."""
    host = context.store.leases.owner.host
    for one in runtime.survivors():
        key = one.labels.get("harness.key", "")
        ours = one.labels.get("harness.runs") == str(context.layout.root)
        here = one.labels.get("harness.owner", "").rsplit(" ", 2)[0] == host
        if not (ours and here and one.labels.get(JOB)) or key == step.key:
            continue  # what is left of this very step is taken up or ended under its lease
        with context.store.leases.try_hold(key) as held:
            if held:
                notify(f"{one.name} is ended: its job {one.labels[JOB]} is gone")
                runtime.discard(one.name)


@contextmanager
def _gpus(
    context: Context, runtime: Runtime, step: BoundStep, work: StepWork, stop: Event
) -> Iterator[tuple[str, ...]]:
    """The step's GPUs: leased as any executor does, or those of the allocation."""
    if work.trust_allocation:
        yield allocated(os.environ, step.resources.gpus)
        return
    leases = context.gpus().beside(runtime.survivors)
    while (lease := leases.take(step)) is None:
        if stop.wait(_LOOK_SECONDS):
            raise Interrupted(
                f"{step.title} stopped while it waited for GPUs", hint="run the command again"
            )
    try:
        yield lease.uuids
    finally:
        lease.give()
