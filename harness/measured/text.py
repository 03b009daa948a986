"""Figures as people read them: lines for totals, rows for steps and for rows of the tables."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from harness.measured.extrapolate import ASSUMPTION
from harness.measured.figures import ESTIMATE, Figures
from harness.measured.outlook import Card, Outlook
from harness.plan.plan import BoundStep, Plan

STEP_COLUMNS = ("method", "step", "to do", "hours each", "GPU-hours", "GPU memory", "disk", "from")
ROW_COLUMNS = ("method", "backbone", "GPU-hours")
_LEAST_HOURS = 0.05  # of a step that is shown though nothing of it was measured
_DAY = 24.0


def outlook_lines(outlook: Outlook) -> Iterator[str]:
    """Disk, GPU-hours, calendar time and the smallest card, each with how much was measured."""
    how = source(outlook.disk_measured, outlook.steps)
    yield f"disk ({how}): {outlook.disk_gb:.4g} GB for what is to do"
    yield (
        f"peak disk ({how}): {outlook.peak_disk_gb:g} GB if intermediates go once read, "
        f"{outlook.peak_disk_kept_gb:g} GB with --keep"
    )
    yield from time_lines(outlook)
    if outlook.card is not None:
        yield card_line(outlook.card)
    if outlook.hours_measured:
        yield ASSUMPTION
    yield from (f"measurement left out: {line}" for line in outlook.damage)


def time_lines(outlook: Outlook) -> Iterator[str]:
    """GPU-hours and calendar time; nothing if no step needs a GPU."""
    if not outlook.gpu_hours:
        return
    how = source(outlook.hours_measured, outlook.gpu_steps)
    yield f"GPU-hours ({how}): {outlook.gpu_hours:.4g}"
    fleets = [f"{_time(hours)} on {count}" for count, hours in outlook.calendar_hours.items()]
    yield f"calendar time ({how}): {', '.join(fleets)} GPU(s), if CPUs and memory suffice"


def source(measured: int, steps: int) -> str:
    """How a total came about, of whose steps so many were measured."""
    if not measured:
        return ESTIMATE
    return "measured" if measured == steps else f"{measured} of {steps} steps measured"


def card_line(card: Card) -> str:
    """The smallest card that fits, and why."""
    size = "none that is sold" if card.sold_gb is None else f"{card.sold_gb} GB"
    return f"smallest GPU: {size} ({card.step}: {card.needed_gb:.3g} GB, {card.source})"


def step_rows(
    plan: Plan, todo: Collection[str], figures: Mapping[str, Figures]
) -> list[tuple[str, ...]]:
    """A row for each step of each method, as long as its figures are equal in all runs."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[BoundStep]] = {}
    for key in plan.steps:
        step = plan.steps[key]
        cells = _cells(step, figures[key])
        if key in todo and cells:
            groups.setdefault((step.method, step.name, cells), []).append(step)
    return [
        (method, name, str(len(steps)), cells[0], _gpu_hours(steps, figures), *cells[1:])
        for (method, name, cells), steps in groups.items()
    ]


def row_rows(
    plan: Plan, todo: Collection[str], figures: Mapping[str, Figures]
) -> list[tuple[str, ...]]:
    """GPU-hours of each method and backbone; what two of them share counts in both."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for planned in plan.runs:
        row = rows.setdefault((planned.run.method, planned.run.backbone), {})
        for key in planned.steps.values():
            if key in todo:
                row[key] = plan.steps[key].resources.gpus * figures[key].hours
    return [(*name, f"{sum(hours.values()):.4g}") for name, hours in rows.items()]


def _cells(step: BoundStep, figures: Figures) -> tuple[str, ...]:
    """Hours, GPU memory, disk and sources; nothing for a step too small to be shown."""
    if figures.hours < _LEAST_HOURS and figures.sources == (ESTIMATE,):
        return ()
    memory = figures.gpu_memory_gb if step.resources.gpus else None
    return (
        ("at most " if figures.at_most else "") + f"{figures.hours:.3g}",
        "-" if memory is None else f"{memory:.3g} GB",
        f"{sum(figures.disk_gb.values()):.3g} GB",
        _sources(step, figures),
    )


def _sources(step: BoundStep, figures: Figures) -> str:
    """One source if all are of one; else each with what it is of."""
    named = {"hours": figures.hours_from, "disk": figures.disk_from}
    if step.resources.gpus:
        named["GPU memory"] = figures.gpu_memory_from
    if len(set(named.values())) == 1:
        return figures.hours_from
    return ", ".join(f"{name} {source}" for name, source in named.items())


def _gpu_hours(steps: Sequence[BoundStep], figures: Mapping[str, Figures]) -> str:
    hours = sum(step.resources.gpus * figures[step.key].hours for step in steps)
    return f"{hours:.4g}" if hours else "-"


def _time(hours: float) -> str:
    return f"{hours / _DAY:.3g} days" if hours >= 2 * _DAY else f"{hours:.3g} hours"
