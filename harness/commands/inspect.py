"""Verbs that only read what executions left: status, logs, why."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.commands.context import Context
from harness.errors import UsageError
from harness.execution.keeper import open_steps
from harness.layout import EntryLayout
from harness.manifest.model import RuntimeName
from harness.plan import keys
from harness.plan.needs import read_needs
from harness.store.intent import read_intent
from harness.store.split_record import part_keys

_FOLLOW_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """Where one step of a planned run stands: done, running, left, failed or todo."""

    name: str
    stage: int
    key: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where one planned run stands."""

    id: str
    plan: str
    steps: tuple[StepState, ...]

    @property
    def state(self) -> str:
        """`done`, `running`, `left`, `failed` or `todo`."""
        states = {step.state for step in self.steps}
        order = ("running", "left", "failed")
        return next((s for s in order if s in states), "done" if states == {"done"} else "todo")


def status(context: Context) -> list[RunState]:
    """Every run of every plan under `runs/`, the newest plan of a run winning; reads files only."""
    found: dict[str, RunState] = {}
    for path in sorted(context.layout.plans.glob("*.json"), key=lambda p: p.stat().st_mtime):
        plan = json.loads(path.read_text())
        states = _states(context, plan)
        for planned in plan["runs"]:
            steps = tuple(
                StepState(name=name, stage=plan["steps"][key]["stage"], key=key, state=states[key])
                for name, key in planned["steps"].items()
            )
            run_id = planned["id"]
            found[run_id] = RunState(id=run_id, plan=path.stem, steps=steps)
    return list(found.values())


def find_step(context: Context, name: str) -> StepState:
    """The step `RUN/STEP`; RUN may be any unique part of a run's name."""
    run, _, step = name.rpartition("/")
    runs = [r for r in status(context) if run in r.id]
    exact = [r for r in runs if r.id == run]
    chosen = exact or runs
    steps = {s.key: s for r in chosen for s in r.steps if s.name == step}
    if len(steps) != 1:
        known = sorted({s.name for r in chosen for s in r.steps}) or ["none"]
        what = "no such step" if not steps else f"{len(steps)} different steps have that name"
        raise UsageError(
            f"{name}: {what}",
            hint=f"write RUN/STEP with a run of `harness status`; steps: {', '.join(known)}",
        )
    return next(iter(steps.values()))


def find_steps(context: Context, name: str) -> list[StepState]:
    """The steps that RUN or RUN/STEP names. Raises UsageError."""
    if "/" in name:
        return [find_step(context, name)]
    runs = [run for run in status(context) if name in run.id]
    runs = [run for run in runs if run.id == name] or runs
    if len(runs) != 1:
        what = "no such run" if not runs else f"{len(runs)} runs have that in their names"
        known = ", ".join(run.id for run in runs[:3])
        raise UsageError(f"{name}: {what}", hint=f"see `harness status`; {known}".rstrip("; "))
    return list(runs[0].steps)


def log_path(context: Context, key: str) -> Path | None:
    """The log of the finished step, else of its newest attempt, or of its parts' newest."""
    published = context.layout.entry(key).log
    if published.exists():
        return published
    keys_ = (key, *part_keys(context.layout, key))
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
    planned = _planned(context, step.key)
    nearest: tuple[str | None, list[tuple[str, Any, Any]]] = (None, [])
    for path in context.layout.store.glob("*/*/record.json"):
        identity = json.loads(path.read_text())["identity"]
        if (identity["method"], identity["step"]) != (planned["method"], step.name):
            continue
        found = keys.differences(identity["parts"], planned["parts"])
        if nearest[0] is None or len(found) < len(nearest[1]):
            nearest = (identity["key"], found)
    return nearest


def _planned(context: Context, key: str) -> Mapping[str, Any]:
    for path in context.layout.plans.glob("*.json"):
        steps: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text())["steps"]
        if key in steps:
            return steps[key]
    raise UsageError(f"no plan under {context.layout.plans} holds {key}", hint="plan it again")


def _states(context: Context, plan: Mapping[str, Any]) -> dict[str, str]:
    """`done`, `running`, `left`, `failed` or `todo` for each step of a plan."""
    todo = open_steps(context.layout, read_needs(plan))
    return {key: _undone_state(context, key) if key in todo else "done" for key in plan["steps"]}


def _undone_state(context: Context, key: str) -> str:
    """The state of a step that is not done, or of its parts where it was split."""
    keys_ = (key, *part_keys(context.layout, key))
    if any(context.store.leases.is_held(one) for one in keys_):
        return "running"
    attempts = [attempt for one in keys_ for attempt in context.store.attempts(one)]
    if any(_is_left(attempt) for attempt in attempts):
        return "left"
    return "failed" if any(attempt.record.exists() for attempt in attempts) else "todo"


def _is_left(attempt: EntryLayout) -> bool:
    """Whether a container was started that nobody follows, and whose end nobody read."""
    intent = None if attempt.record.exists() else read_intent(attempt)
    return intent is not None and intent.runtime != RuntimeName.PROCESS
