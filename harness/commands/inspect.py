"""The verbs `status`, `logs` and `why`: they only read what executions wrote."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

from harness.commands.context import Context
from harness.commands.jobs import job_states
from harness.errors import UsageError
from harness.layout import StepFolder
from harness.manifest.model import RuntimeName
from harness.plan import keys
from harness.plan.needs import Todo, todo_of
from harness.slurm.jobs import JobState
from harness.store.intent import read_intent
from harness.store.plans import plan_of, saved_plans
from harness.store.split_record import shard_keys
from harness.store.store import beginning

_FOLLOW_SECONDS = 0.5
_MOST_NAMED = 3  # runs in a hint

_Tried: TypeAlias = Mapping[str, Sequence[StepFolder]]  # attempts by the beginning of their keys


class State(StrEnum):
    """The state of a step or a run."""

    DONE = "done"
    QUEUED = "queued"  # a cluster's batch system has a job for it, which waits
    RUNNING = "running"
    LEFTOVER = "leftover"  # a container was started that no harness follows
    FAILED = "failed"
    TODO = "to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """The state of one step of a saved run."""

    name: str
    stage: int
    key: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """The state of one saved run."""

    id: str
    plan: str
    steps: tuple[StepState, ...]

    @property
    def state(self) -> State:
        """The state of the step that matters most for the run."""
        states = {step.state for step in self.steps}
        grave = (State.RUNNING, State.LEFTOVER, State.FAILED, State.QUEUED)
        whole = State.DONE if states == {State.DONE} else State.TODO
        return next((one for one in grave if one in states), whole)


def status(context: Context) -> list[RunState]:
    """Every run of every plan under `runs/`, from its newest plan; reads files only."""
    found: dict[str, RunState] = {}
    for plan in saved_plans(context.layout):
        states = states_of(context, plan.steps, todo_of(plan.needs, context.store))
        for run in plan.runs:
            steps = tuple(
                StepState(name=name, stage=plan.steps[key]["stage"], key=key, state=states[key])
                for name, key in run.steps.items()
            )
            found[run.id] = RunState(id=run.id, plan=plan.id, steps=steps)
    return list(found.values())


def states_of(context: Context, keys: Iterable[str], todo: Todo) -> dict[str, State]:
    """The states of steps by their keys."""
    tried = context.store.every_attempt()
    jobs = job_states(context, todo.open)
    return {key: _state_of(context, key, todo, tried, jobs.get(key)) for key in keys}


def _state_of(context: Context, key: str, todo: Todo, tried: _Tried, job: JobState | None) -> State:
    """The state of a step; of one that was split, by its shards too."""
    if key not in todo.open:
        return State.DONE
    if job is JobState.WAITS:  # perhaps again: the heartbeat of a lost node stays for a while
        return State.QUEUED
    every = (key, *shard_keys(context.layout, key))
    if job is JobState.RUNS or any(context.store.leases.is_held(one) for one in every):
        return State.RUNNING
    attempts = [attempt for one in every for attempt in tried.get(beginning(one), ())]
    if any(_is_leftover(attempt) for attempt in attempts):
        return State.LEFTOVER
    failed = job is JobState.LOST or any(one.record.exists() for one in attempts)
    return State.FAILED if failed else State.TODO


def find_step(context: Context, name: str) -> StepState:
    """The step `RUN/STEP`. Raises UsageError unless it is one step, whichever runs share it."""
    run, _, step = name.rpartition("/")
    if not run or not step:
        raise UsageError(f"{name!r} is no RUN/STEP", hint="see `harness status` for the runs")
    chosen = find_runs(context, run)
    steps = {s.key: s for r in chosen for s in r.steps if s.name == step}
    if len(steps) != 1:
        known = ", ".join(sorted({s.name for r in chosen for s in r.steps}))
        what = "no such step" if not steps else f"{len(steps)} different steps have that name"
        raise UsageError(f"{name}: {what}", hint=f"write more of the run's name; steps: {known}")
    return next(iter(steps.values()))


def find_run(context: Context, name: str) -> RunState:
    """The run that `name` is, or of whose name it is the beginning. Raises UsageError."""
    runs = find_runs(context, name)
    if len(runs) > 1:
        known = ", ".join(run.id for run in runs[:_MOST_NAMED])
        raise UsageError(
            f"{name}: the names of {len(runs)} runs begin so", hint=f"write more of one: {known}"
        )
    return runs[0]


def find_runs(context: Context, name: str) -> list[RunState]:
    """The run of that name, else all whose names begin with it. Raises UsageError for none."""
    if not name:
        raise UsageError("RUN is empty", hint="name a run of `harness status`")
    every = status(context)
    begun = [run for run in every if run.id.startswith(name)]
    if not begun:
        known = ", ".join(run.id for run in every[:_MOST_NAMED])
        raise UsageError(f"{name}: no such run", hint=f"see `harness status`; {known}".rstrip("; "))
    return [run for run in begun if run.id == name] or begun


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
        raise UsageError(f"{step.name} has no log: it never started", hint="see harness status")
    with path.open(encoding="utf-8", errors="replace") as file:
        while True:
            text = file.read(65536)
            if text:
                yield text
            elif not follow or not context.store.leases.is_held(step.key):
                return
            else:
                time.sleep(_FOLLOW_SECONDS)


def why(context: Context, step: StepState) -> tuple[str | None, list[tuple[str, Any, Any]]]:
    """The nearest finished step of the same name, and what differs: (key, differences)."""
    planned = plan_of(context.layout, step.key).steps[step.key]
    nearest: tuple[str | None, list[tuple[str, Any, Any]]] = (None, [])
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


def _is_leftover(attempt: StepFolder) -> bool:
    """Whether a container was started that no harness follows, and whose end nobody read."""
    intent = None if attempt.record.exists() else read_intent(attempt)
    return intent is not None and intent.runtime != RuntimeName.PROCESS
