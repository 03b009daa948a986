"""The verb `logs`: the log of a step, or of the step of a run that matters now."""

import time
from collections.abc import Iterator
from pathlib import Path

from harness.commands.context import Context
from harness.commands.inspect import RunState, State, StepState, find_run, find_step_of_run
from harness.errors import UsageError
from harness.execution.failure import Failure
from harness.store.split_record import shard_keys

_FOLLOW_SECONDS = 0.5
_FIRST = (State.RUNNING, State.LEFTOVER, State.FAILED)


def find_log(context: Context, name: str) -> tuple[RunState, StepState]:
    """RUN/STEP; of RUN the step that runs, else the one that failed, else the last with a log.

    Raises UsageError.
    """
    if "/" in name:
        return find_step_of_run(context, name)
    run = find_run(context, name)
    for state in _FIRST:
        for step in run.steps:
            if step.state is state:
                return run, step
    for step in reversed(run.steps):
        if log_path(context, step.key) is not None:
            return run, step
    raise UsageError(f"{name}: no step of it has started", hint="see `harness status`")


def log_path(context: Context, key: str) -> Path | None:
    """The log of the finished step, else of the newest attempt at it or at its shards."""
    published = context.layout.entry(key).log
    if published.exists():
        return published
    keys_ = (key, *shard_keys(context.layout, key))
    attempts = (attempt.log for one in keys_ for attempt in context.store.attempts(one))
    logs = (path for path in attempts if path.exists())
    return max(logs, key=lambda path: path.stat().st_mtime, default=None)


def read_log(context: Context, step: StepState, *, follow: bool) -> Iterator[str]:
    """The step's log, piece by piece; with `follow` until the step ends."""
    path = log_path(context, step.key)
    while path is None and follow:
        time.sleep(_FOLLOW_SECONDS)
        path = log_path(context, step.key)
    if path is None:
        raise _no_log(step)
    with path.open(encoding="utf-8", errors="replace") as file:
        while True:
            text = file.read(65536)
            if text:
                yield text
            elif not follow or not context.store.leases.is_held(step.key):
                return
            else:
                time.sleep(_FOLLOW_SECONDS)


def _no_log(step: StepState) -> UsageError:
    if step.error is not None:
        reason = Failure.read(step.error).reason
        what = f"{step.name} has no log: it failed before it started: {reason}"
        return UsageError(what, hint="fix that, then run the same command again")
    return UsageError(f"{step.name} has no log: it never started", hint="see harness status")
