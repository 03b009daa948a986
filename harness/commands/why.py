"""The verb `why`: how a step stands and how it came to that; of one to do, what differs."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.commands.context import Context
from harness.commands.inspect import RunState, State, StepState, find_step_of_run
from harness.commands.logs import log_path
from harness.execution.failure import Failure
from harness.plan import keys
from harness.store.plans import plan_of
from harness.store.split_record import shard_keys
from harness.store.under_way import under_way

Differences = Sequence[tuple[str, Any, Any]]  # key input, finished, planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What is known of a step; fields are None where they do not apply."""

    run: RunState
    step: StepState
    log: Path | None = None
    record: Mapping[str, Any] | None = None  # of the finished step or the failed attempt
    failure: Failure | None = None
    since: dt.datetime | None = None  # it runs
    holder: str | None = None  # who runs it
    waits_for: tuple[StepState, ...] = ()  # steps it reads from that are not done
    nearest: str | None = None  # key of the finished step of the same name that differs least
    differences: Differences = ()


def why(context: Context, name: str) -> Why:
    """The step RUN/STEP. Raises UsageError."""
    run, step = find_step_of_run(context, name)
    log = log_path(context, step.key)
    match step.state:
        case State.DONE:
            record = context.store.record(step.key)
            return Why(run=run, step=step, log=log, record=record, nearest=step.key)
        case State.FAILED:
            return _failed(context, run, step)
        case State.RUNNING | State.LEFTOVER:
            attempt, holder = under_way(context.store, step.key), _holder(context, step.key)
            since = attempt.started if attempt else None
            return Why(run=run, step=step, log=log, since=since, holder=holder)
        case _:
            return _to_do(context, run, step)


def _failed(context: Context, run: RunState, step: StepState) -> Why:
    """By the newest attempt at the step or its shards; else by the run's record."""
    every = (step.key, *shard_keys(context.layout, step.key))
    attempts = [attempt for key in every for attempt in context.store.attempts(key)]
    found = [record for one in attempts if (record := context.store.record_of(one)) is not None]
    newest = max(found, key=lambda record: str(record["time"]["end"]), default=None)
    text = step.error or (newest and newest["error"]) or "its record cannot be read"
    title = f"step {step.name} ({run.asked['method']}, stage {step.stage}): "
    failure = Failure.read(text.removeprefix(title))
    return Why(run=run, step=step, log=failure.log, record=newest, failure=failure)


def _holder(context: Context, key: str) -> str | None:
    every = (key, *shard_keys(context.layout, key))
    holders = (context.store.leases.holder(one) for one in every)
    return next((str(holder) for holder in holders if holder is not None), None)


def _to_do(context: Context, run: RunState, step: StepState) -> Why:
    plan = plan_of(context.layout, step.key)
    read = {parent for parent, _ in plan.needs.steps[step.key].reads}
    waits = tuple(one for one in run.steps if one.key in read and one.state is not State.DONE)
    nearest, found = _nearest(context, step, plan.steps[step.key])
    return Why(run=run, step=step, waits_for=waits, nearest=nearest, differences=found)


def _nearest(
    context: Context, step: StepState, planned: Mapping[str, Any]
) -> tuple[str | None, Differences]:
    """The nearest finished step of the same name, and what differs."""
    nearest: tuple[str | None, Differences] = (None, ())
    for entry in context.layout.entries():
        record = context.store.record(entry.root.name)
        if record is None:  # damaged: the next `reproduce` makes it again
            continue
        identity = record["identity"]
        if (identity["method"], identity["step"]) != (planned["method"], step.name):
            continue
        found = keys.differences(identity["key_inputs"], planned["key_inputs"])
        if nearest[0] is None or len(found) < len(nearest[1]):
            nearest = (identity["key"], found)
    return nearest
