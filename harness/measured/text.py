"""Figures as people read them: values for totals, rows for arms, steps and stages."""

from collections.abc import Iterable, Iterator, Sequence

from harness.measured.extrapolate import ASSUMPTION
from harness.measured.figures import ESTIMATE
from harness.measured.outlook import Card, Outlook
from harness.measured.summary import Arm, Job, Load, Stage, measured_in

ARM_COLUMNS = (
    "method", "backbone", "losses", "runs", "steps", "done", "to do", "GPU-hours", "disk",
)  # fmt: skip
JOB_COLUMNS = (
    "step", "stage", "count", "done", "to do", "h each", "GPU-hours", "GPU", "disk", "from",
)  # fmt: skip
STAGE_COLUMNS = (
    "stage", "steps", "count", "done", "to do", "h each", "GPU-hours", "disk", "from",
)  # fmt: skip
_DAY = 24.0


def outlook_values(outlook: Outlook) -> Iterator[tuple[str, str]]:
    """GPU-hours, calendar time, disk and the smallest card, each with how much was measured."""
    yield from time_values(outlook)
    how = source(outlook.disk_measured, outlook.steps)
    peak, kept = outlook.peak_disk_gb, outlook.peak_disk_kept_gb
    yield "disk", f"{peak:g} GB at its peak, {kept:g} GB with --keep ({how})"
    if outlook.card is not None:
        yield "smallest GPU", card_text(outlook.card)


def basis_values(outlook: Outlook, jobs: Iterable[Job]) -> Iterator[tuple[str, str]]:
    """What was measured where; what that rests on; which measurements cannot be read."""
    for place, steps in measured_in(jobs).items():
        named = ", ".join(_measured(step, figures) for step, figures in steps.items())
        yield "measured", f"{place.removeprefix('measured ')}: {named}"
    if outlook.hours_measured:
        yield "measured hours", ASSUMPTION
    yield from (("left out", line) for line in outlook.damage)


def time_values(outlook: Outlook) -> Iterator[tuple[str, str]]:
    """GPU-hours and calendar time; nothing if no step needs a GPU."""
    if not outlook.gpu_hours:
        return
    how = source(outlook.hours_measured, outlook.gpu_steps)
    yield "GPU-hours", f"{outlook.gpu_hours:.4g} ({how})"
    yield "calendar time", _calendar_text(outlook)


def time_lines(outlook: Outlook) -> list[str]:
    """The same, a line each."""
    return [f"{name}: {value}" for name, value in time_values(outlook)]


def source(measured: int, steps: int) -> str:
    """How a total came about, of whose steps so many were measured."""
    if not measured:
        return ESTIMATE
    return "measured" if measured == steps else f"{measured} of {steps} steps measured"


def card_text(card: Card) -> str:
    """The smallest card that fits, and why."""
    size = "none that is sold" if card.sold_gb is None else f"{card.sold_gb} GB"
    return f"{size}, for {card.step}: {card.needed_gb:.3g} GB ({card.source})"


def arm_cells(arm: Arm) -> tuple[str, ...]:
    """A row of the table of methods, backbones and losses."""
    name = (arm.method, arm.backbone, arm.losses, str(arm.runs))
    return (*name, *_counts(arm.load), _hours(arm.load.gpu_hours), _gigabytes(arm.load.disk_gb))


def job_cells(job: Job) -> tuple[str, ...]:
    """A row of the table of steps."""
    memory = job.figures.gpu_memory_gb if job.gpus else None
    return (
        job.step,
        str(job.stage),
        *_counts(job.load),
        ("≤" if job.figures.at_most else "") + f"{job.figures.hours:.3g}",
        _hours(job.load.gpu_hours) if job.gpus else "-",
        "-" if memory is None else f"{memory:.3g} GB",
        _gigabytes(sum(job.figures.disk_gb.values())),
        _from((job,)),
    )


def stage_cells(stage: Stage) -> tuple[str, ...]:
    """A row of the table of stages."""
    hours = sorted(job.figures.hours for job in stage.jobs)
    each = [f"{one:.3g}" for one in dict.fromkeys((hours[0], hours[-1]))]
    return (
        str(stage.stage),
        ", ".join(dict.fromkeys(job.step for job in stage.jobs)),
        *_counts(stage.load),
        " to ".join(each),
        _hours(stage.load.gpu_hours),
        _gigabytes(stage.load.disk_gb),
        _from(stage.jobs),
    )


def _measured(step: str, figures: Sequence[str]) -> str:
    return step if "hours" in figures and "disk" in figures else f"{step} ({', '.join(figures)})"


def _from(jobs: Sequence[Job]) -> str:
    """Whether the figures of these jobs are estimates, measured, or some of each."""
    sources = [source for job in jobs for source in job.sources.values()]
    if all(one == ESTIMATE for one in sources):
        return ESTIMATE
    return "partly" if ESTIMATE in sources else "measured"


def _counts(load: Load) -> tuple[str, str, str]:
    return str(load.steps), str(load.done), str(load.todo)


def _hours(hours: float) -> str:
    return f"{hours:.4g}" if hours else "-"


def _gigabytes(size: float) -> str:
    if size < 1:
        return f"{size:.2g} GB"
    return f"{size:.3g} GB" if size < 1000 else f"{size:.0f} GB"  # noqa: PLR2004


def _calendar_text(outlook: Outlook) -> str:
    """The GPUs at hand first; the usual numbers of GPUs after them."""
    fleets = [
        f"{calendar_time(hours)} on {count}{' GPU' if count == 1 else ''}"
        for count, hours in outlook.calendar_hours.items()
        if count != outlook.cards
    ]
    here = outlook.calendar_hours.get(outlook.cards)
    if here is not None:
        named = "GPU" if outlook.cards == 1 else f"{outlook.cards} GPUs"
        fleets = [f"{calendar_time(here)} on the {named} here", *fleets]
    return f"{', '.join(fleets)}, if CPUs and memory suffice"


def calendar_time(hours: float) -> str:
    """Hours, from two days on as days: 47 hours, 4.73 days."""
    return f"{hours / _DAY:.3g} days" if hours >= 2 * _DAY else f"{hours:.3g} hours"
