"""What is said before an execution starts: how much there is to do, in a few lines."""

from collections.abc import Iterator

from harness.measured.outlook import Outlook
from harness.measured.text import calendar_time, source
from harness.plan.needs import Todo
from harness.plan.plan import Plan

_MOST_METHODS = 3  # whose options are shown


def start_lines(plan: Plan, todo: Todo, outlook: Outlook) -> list[str]:
    """Steps, hours and disk, options; nothing if all is done already."""
    return list(_lines(plan, todo, outlook)) if todo.open else []


def _lines(plan: Plan, todo: Todo, outlook: Outlook) -> Iterator[str]:
    total = len(plan.steps)
    done = total - len(todo.open)
    before = f", {done} done already" if done else ""
    runs = f"{len(plan.runs)} run{'s' if len(plan.runs) > 1 else ''}"
    yield f"{runs}, {total} steps: {len(todo.open)} to do{before}"
    if outlook.gpu_hours and not plan.scale.rehearsed:
        yield from _costs(outlook)
    yield from _options(plan)


def _costs(outlook: Outlook) -> Iterator[str]:
    how = source(outlook.hours_measured, outlook.gpu_steps)
    fleets = [
        f"{calendar_time(hours)} on {count}" for count, hours in outlook.calendar_hours.items()
    ]
    yield f"{how}: {outlook.gpu_hours:.4g} GPU-hours; {', '.join(fleets[:3])} GPU(s)"
    how = source(outlook.disk_measured, outlook.steps)
    kept = f"{outlook.peak_disk_kept_gb:.3g} GB with --keep"
    yield f"{how}: {outlook.peak_disk_gb:.3g} GB of disk at its peak, {kept}"


def _options(plan: Plan) -> Iterator[str]:
    by_method = {one.run.method: one.run.options for one in plan.runs}
    chosen = {method: options for method, options in by_method.items() if options}
    if len(chosen) > _MOST_METHODS:
        yield "options of each method: `harness plan` shows them"
        return
    for method, options in chosen.items():
        pairs = ", ".join(f"{name}={choice}" for name, choice in options.items())
        yield f"options of {method}: {pairs}"
