"""How a simulation is shown: its document, rows and notes."""

from collections.abc import Iterator
from typing import Any

from harness.measured.extrapolate import ASSUMPTION
from harness.measured.simulation import CriticalPath, Fleet, Simulation
from harness.measured.text import source
from harness.plan import keys
from harness.plan.plan import Plan

FLEET_COLUMNS = (
    "GPUs", "time", "at best", "GPU use", "most GPUs", "most CPUs", "most memory", "peak disk",
    "with --keep",
)  # fmt: skip
PATH_COLUMNS = ("stage", "step", "GPUs", "hours", "from")

_DAY = 24.0


def simulation_document(plan: Plan, found: Simulation) -> dict[str, Any]:
    """`plan --simulate --json`."""
    document: dict[str, Any] = keys.plain(found)
    path = document.pop("critical_path")
    fleets = [{"name": f"{one['gpus']} GPUs", **one} for one in document.pop("fleets")]
    return {"plan": plan.id, "totals": document, "critical_path": path, "fleets": fleets}


def fleet_row(fleet: Fleet) -> tuple[str, ...]:
    """A number of GPUs, and what the plan takes on them."""
    return (
        str(fleet.gpus),
        _time(fleet.hours),
        _time(fleet.least_hours),
        f"{100 * fleet.utilisation:.0f} %",
        str(fleet.peak_gpus),
        str(fleet.peak_cpus),
        f"{fleet.peak_memory_gb:.0f} GB",
        f"{fleet.peak_disk_gb:.0f} GB",
        f"{fleet.peak_disk_kept_gb:.0f} GB",
    )


def path_rows(path: CriticalPath) -> Iterator[tuple[str, ...]]:
    """The steps of the critical path."""
    for step in path.steps:
        yield (str(step.stage), step.name, str(step.gpus), f"{step.hours:.3g}", step.hours_from)


def simulation_notes(found: Simulation) -> Iterator[str]:
    """How much was measured, how many GPUs are enough, and what the replay takes for granted."""
    how = source(found.hours_measured, found.gpu_steps)
    yield f"{found.runs} runs, {found.steps} steps to do, {found.gpu_hours:.4g} GPU-hours ({how})"
    if found.critical_path is None:
        return
    yield f"critical path: {_time(found.critical_path.hours)}; {_enough(found)}"
    yield "at best: the longer of the critical path and the GPU-hours shared out evenly"
    yield "assumed: no step fails, CPUs and memory suffice, nothing is split by --shards"
    if found.hours_measured:
        yield f"measured hours: {ASSUMPTION}"


def _enough(found: Simulation) -> str:
    if not found.enough_gpus:
        return "no step needs a GPU"
    return f"{found.enough_gpus} GPU(s) reach it, and more do not help"


def _time(hours: float) -> str:
    if hours < 1:
        return f"{60 * hours:.1f} minutes"
    return f"{hours / _DAY:.1f} days" if hours >= 2 * _DAY else f"{hours:.1f} hours"
