"""How runs and where they stand are shown."""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.commands.inspect import RunState, State
from harness.plan import keys
from harness.shapes.scores import final_document

Finals = Mapping[str, tuple[float, float]]  # J and F by run

COLUMNS = ("no", "method", "backbone", "losses", "seed", "state", "steps", "now")
WHOLE_COLUMNS = ("no", "run", "state", "steps", "now", "J", "F")
_NOW = (State.RUNNING, State.LEFTOVER, State.FAILED)


def status_row(run: RunState, finals: Finals) -> dict[str, Any]:
    """A run as `status --json` prints it."""
    return {
        "name": run.id,
        "number": run.number,
        "plan": run.plan,
        "state": run.state.value,
        "final": final_document(finals.get(run.id)),
        "steps": [
            {name: keys.plain(getattr(step, name)) for name in ("name", "stage", "key", "state")}
            for step in run.steps
        ],
    }


def settings_of(runs: Iterable[RunState]) -> dict[str, list[RunState]]:
    """The runs by what follows method, backbone, losses and seed in their names."""
    found: dict[str, list[RunState]] = {}
    for run in runs:
        found.setdefault(run.id.removeprefix("-".join(_name(run)) + "-"), []).append(run)
    return found


def status_cells(run: RunState, finals: Finals) -> tuple[str, ...]:
    """A run as people see it under its setting: what it does now, or its final scores."""
    final = finals.get(run.id)
    now = _now(run) or (f"J {final[0]:.1f} F {final[1]:.1f}" if final else "")
    return _number(run), *_name(run), run.state, _steps(run), now


def whole_cells(run: RunState, finals: Finals) -> tuple[str, ...]:
    """A run as programs read it: its whole name, a line each."""
    final = [f"{score:.2f}" for score in finals.get(run.id, ())] or ["", ""]
    return _number(run), run.id, run.state, _steps(run), _now(run), *final


def _name(run: RunState) -> tuple[str, str, str, str]:
    asked = run.asked
    return asked["method"], asked["backbone"], asked["losses"], f"s{asked['seed']}"


def _number(run: RunState) -> str:
    return "" if run.number is None else str(run.number)


def _steps(run: RunState) -> str:
    return f"{run.done}/{len(run.steps)}"


def _now(run: RunState) -> str:
    """The step that runs, else the one that failed."""
    return next((s.name for state in _NOW for s in run.steps if s.state is state), "")
