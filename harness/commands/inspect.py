"""Where runs stand, from what executions wrote, and the runs and steps that words name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias

from harness.commands.context import Context
from harness.commands.jobs import job_states
from harness.errors import UsageError
from harness.files import DamagedFile
from harness.layout import StepFolder
from harness.manifest.model import RuntimeName
from harness.names import nearest, suggest
from harness.plan.needs import Todo, todo_of
from harness.slurm.jobs import JobState
from harness.store.intent import read_intent
from harness.store.numbers import run_numbered, run_numbers
from harness.store.plans import SavedPlan, SavedRun, executed_plans, saved_plans
from harness.store.records import read_record
from harness.store.split_record import shard_keys
from harness.store.store import beginning

_MOST_NAMED = 3  # runs in a hint

_Tried: TypeAlias = Mapping[str, Sequence[StepFolder]]  # attempts by the beginning of their keys


class State(StrEnum):
    """The state of a step or a run."""

    DONE = "done"
    QUEUED = "queued"  # a cluster's batch system has a job for it, which waits
    RUNNING = "running"
    LEFTOVER = "leftover"  # a container was started that no harness follows
    FAILED = "failed"
    STOPPED = "stopped"  # of a run: no command executes it, and steps are to do
    TODO = "to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """The state of one step of a saved run."""

    name: str
    stage: int
    key: str
    state: State
    error: str | None = None  # of a step that failed before it started


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """The state of one saved run."""

    id: str
    number: int | None  # None: it was executed before runs had numbers
    plan: str
    asked: Mapping[str, Any]  # method, backbone, losses, seed, ...
    steps: tuple[StepState, ...]
    executed: bool  # whether a command executes its plan now

    @property
    def state(self) -> State:
        """The state of the step that matters most for the run."""
        states = {step.state for step in self.steps}
        grave = (State.RUNNING, State.LEFTOVER, State.FAILED, State.QUEUED)
        if states == {State.DONE}:
            return State.DONE
        waiting = State.TODO if self.executed else State.STOPPED
        return next((one for one in grave if one in states), waiting)

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(step.state is State.DONE for step in self.steps)

    @property
    def short(self) -> str:
        """What a person types for it."""
        return str(self.number) if self.number is not None else self.id


def status(context: Context) -> list[RunState]:
    """Every run of every plan under `runs/`, from its newest plan; reads files only."""
    found: dict[str, RunState] = {}
    numbers = run_numbers(context.layout)
    executed = executed_plans(context.layout, context.store.leases)
    for plan in saved_plans(context.layout):
        states = states_of(context, plan.steps, todo_of(plan.needs, context.store))
        for run in plan.runs:
            found[run.id] = RunState(
                id=run.id,
                number=numbers.get(run.id),
                plan=plan.id,
                asked=run.asked,
                steps=_steps(plan, run, states),
                executed=plan.id in executed,
            )
    runs = [_with_failures(context, run) for run in found.values()]
    return sorted(runs, key=lambda run: run.number or 0)


def _steps(plan: SavedPlan, run: SavedRun, states: Mapping[str, State]) -> tuple[StepState, ...]:
    return tuple(
        StepState(name=name, stage=plan.steps[key]["stage"], key=key, state=states[key])
        for name, key in run.steps.items()
    )


def _with_failures(context: Context, run: RunState) -> RunState:
    """The run with the steps that failed before they started: only its record tells of them."""
    if run.executed or all(step.state is not State.TODO for step in run.steps):
        return run
    try:
        record = read_record(context.layout.run(run.id))
    except DamagedFile:
        return run
    if record is None or record["plan"] != run.plan:
        return run
    return replace(run, steps=tuple(_with_failure(step, record["steps"]) for step in run.steps))


def _with_failure(step: StepState, recorded: Mapping[str, Any]) -> StepState:
    known = recorded.get(step.name, {})
    if step.state is not State.TODO or known.get("status") != State.FAILED:
        return step
    return replace(step, state=State.FAILED, error=known["error"])


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


def _is_leftover(attempt: StepFolder) -> bool:
    """Whether a container was started that no harness follows, and whose end nobody read."""
    intent = None if attempt.record.exists() else read_intent(attempt)
    return intent is not None and intent.runtime != RuntimeName.PROCESS


def find_step(context: Context, name: str) -> StepState:
    """The step `RUN/STEP`. Raises UsageError unless it is one step, whichever runs share it."""
    return find_step_of_run(context, name)[1]


def find_step_of_run(context: Context, name: str) -> tuple[RunState, StepState]:
    """The step `RUN/STEP` and the first run that has it. Raises UsageError as `find_step`."""
    run, _, step = name.rpartition("/")
    if not run or not step:
        raise UsageError(f"{name!r} is no RUN/STEP", hint="see `harness status` for the runs")
    every = [(one, own) for one in find_runs(context, run) for own in one.steps]
    exact = [(one, own) for one, own in every if own.name == step]
    found = exact or [(one, own) for one, own in every if own.name.startswith(step)]
    if len({own.key for _, own in found}) != 1:
        raise _no_one_step(name, [own for _, own in every], [own for _, own in found])
    return found[0]


def _no_one_step(name: str, every: list[StepState], found: list[StepState]) -> UsageError:
    known = ", ".join(dict.fromkeys(step.name for step in every))
    if not found:
        hint = suggest(name.rpartition("/")[2], [step.name for step in every], "steps")
        return UsageError(f"{name}: no such step", hint=hint)
    names = list(dict.fromkeys(step.name for step in found))
    if len(names) > 1:
        what = f"{name}: {len(names)} steps begin so"
        return UsageError(what, hint=f"one of: {', '.join(names)}")
    count = len({step.key for step in found})
    what = f"{count} different steps have that name"
    return UsageError(f"{name}: {what}", hint=f"write more of the run's name; steps: {known}")


def find_run(context: Context, name: str) -> RunState:
    """The run that `name` is, or of whose name it is the beginning. Raises UsageError."""
    runs = find_runs(context, name)
    if len(runs) > 1:
        known = ", ".join(f"{run.short} ({run.id})" for run in runs[:_MOST_NAMED])
        raise UsageError(
            f"{name}: the names of {len(runs)} runs begin so",
            hint=f"write more of one, or its number: {known}",
        )
    return runs[0]


def find_runs(context: Context, name: str) -> list[RunState]:
    """The run of that number or name, else all whose names begin with it.

    Raises UsageError for none.
    """
    if not name:
        raise UsageError("RUN is empty", hint="name a run of `harness status`")
    every = status(context)
    known = run_numbered(context.layout, name) or name
    begun = [run for run in every if run.id.startswith(known)]
    if not begun:
        near = nearest(name, [run.id for run in every])
        meant = f"did you mean {near!r}? " if near else ""
        raise UsageError(f"{name}: no such run", hint=f"{meant}see `harness status`")
    return [run for run in begun if run.id == known] or begun
