"""How the steps of a plan ended that other processes execute, by files; and their run records."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from harness.commands.context import Context
from harness.commands.plan import look
from harness.commands.reproduce import RunResult, summarise
from harness.execution.outcome import Outcome, Status
from harness.plan import keys
from harness.plan.plan import BoundStep, Plan
from harness.store.ends import read_end, write_end
from harness.store.verification import Verifier

_ENDED_BADLY = {Status.FAILED, Status.BLOCKED, Status.INTERRUPTED}


def keep_end(context: Context, plan: Plan, key: str, outcome: Outcome) -> None:
    """Write down how a step ended, for those who wait for it elsewhere."""
    write_end(context.layout, plan.id, key, keys.plain(outcome))


def settled_outcomes(
    context: Context,
    plan: Plan,
    gone: Mapping[str, Outcome] = MappingProxyType({}),
    alive: Collection[str] = (),
) -> dict[str, Outcome]:
    """How the steps ended; those that may still end are left out.

    `gone` are ends that no file holds, of jobs that a batch system lost. What was interrupted and
    is `alive` starts again: its job was pre-empted.
    """
    open_ = look(context, plan).open
    found: dict[str, Outcome] = {}
    for key, step in plan.steps.items():  # parents come first
        outcome = _outcome(context, plan, step, found, done=key not in open_)
        again = outcome is not None and outcome.status is Status.INTERRUPTED and key in alive
        outcome = None if again else outcome or gone.get(key)
        if outcome is not None:
            found[key] = outcome
    return found


def write_settled_runs(context: Context, plan: Plan, key: str) -> list[RunResult]:
    """Write the records of the runs of a step whose steps have all ended."""
    outcomes = settled_outcomes(context, plan)
    verifier = Verifier(context.store)
    return [
        summarise(context, verifier, plan, run, outcomes)
        for run in plan.runs
        if key in run.steps.values() and outcomes.keys() >= set(run.steps.values())
    ]


def _outcome(
    context: Context, plan: Plan, step: BoundStep, before: Mapping[str, Outcome], *, done: bool
) -> Outcome | None:
    end = read_end(context.layout, plan.id, step.key)
    if done:
        return _finished(context, step, end)
    if end is not None and Status(end["status"]) in _ENDED_BADLY:
        return _read(end)
    culprits = [
        plan.steps[parent].name
        for parent in step.parents
        if parent in before and before[parent].status in _ENDED_BADLY
    ]
    if not culprits:
        return None
    error = f"waits for {', '.join(culprits)}, which did not finish"
    return Outcome(status=Status.BLOCKED, error=error)


def _finished(context: Context, step: BoundStep, end: Mapping[str, Any] | None) -> Outcome:
    if end is not None and Status(end["status"]) is Status.DONE:
        return _read(end)
    return Outcome.cached(context.store.record(step.key))


def _read(end: Mapping[str, Any]) -> Outcome:
    fields = {**end, "status": Status(end["status"]), "remade": tuple(end.get("remade", ()))}
    return Outcome(**fields)
