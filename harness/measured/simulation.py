"""What a plan would take on N GPUs: its steps are replayed with their figures, nothing is run."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import UsageError
from harness.measured.disk_use import DiskUse, disk_use, peak_disk_gb
from harness.measured.figures import ESTIMATE, Figures, with_figures
from harness.measured.replay import replay
from harness.measured.tasks import Task, critical_path, gpu_hours, tasks_of
from harness.plan.needs import Todo
from harness.plan.plan import BoundStep, Plan, Run

#: Sums of the same hours in another order differ by less.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalStep:
    """A step of the critical path."""

    key: str
    name: str
    stage: int
    gpus: int
    hours: float
    hours_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPath:
    """The longest chain of steps: no number of GPUs makes the plan shorter."""

    run: str  # the first run that it leads to
    hours: float
    steps: tuple[CriticalStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What the plan takes on so many GPUs, with the most in use at once."""

    gpus: int
    hours: float  # from the first start to the last end
    least_hours: float  # that any order of the steps takes on as many
    utilisation: float  # share of the GPUs' hours in which steps hold them
    peak_gpus: int
    peak_cpus: int
    peak_memory_gb: float
    peak_disk_gb: float
    peak_disk_kept_gb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What the steps that are to do take on different numbers of GPUs."""

    runs: int
    steps: int
    gpu_steps: int  # how many of them need a GPU
    hours_measured: int  # how many of those have measured hours
    gpu_hours: float
    critical_path: CriticalPath | None  # None if nothing is to do
    enough_gpus: int  # the plan takes as long as its critical path: more GPUs do not help
    fleets: tuple[Fleet, ...]


def simulate(
    plan: Plan, todo: Todo, figures: Mapping[str, Figures], fleets: Collection[int]
) -> Simulation:
    """Replay what is to do on each of these numbers of GPUs. Raises UsageError."""
    shown = with_figures(plan, figures)
    steps = todo.steps(shown)
    _refuse_narrow(steps, fleets)
    tasks = tasks_of(steps)
    path = critical_path(tasks)
    hours = sum(tasks[number].hours for number in path)
    disk = disk_use(shown, todo)
    on_gpus = [figures[step.key] for step in steps if step.resources.gpus]
    return Simulation(
        runs=len(plan.runs),
        steps=len(steps),
        gpu_steps=len(on_gpus),
        hours_measured=sum(one.hours_from != ESTIMATE for one in on_gpus),
        gpu_hours=gpu_hours(tasks),
        critical_path=_named(plan, [steps[number] for number in path], figures),
        enough_gpus=enough_gpus(tasks, hours),
        fleets=tuple(_fleet(tasks, gpus, hours, disk) for gpus in sorted(set(fleets))),
    )


def enough_gpus(tasks: Sequence[Task], critical_hours: float) -> int:
    """GPUs on which tasks take as long as their critical path; on one fewer they take longer.

    More of them never help, since nothing makes the critical path shorter. 0 if none is needed.
    """
    widest = max((task.gpus for task in tasks), default=0)
    unlimited = replay(tasks, sum(task.gpus for task in tasks))
    enough = round(unlimited.peak(lambda number: tasks[number].gpus))
    longest = critical_hours * (1 + _ROUNDING)
    least = max(widest, math.ceil(gpu_hours(tasks) / longest) if longest else 0)
    while least < enough:
        middle = (least + enough) // 2
        if replay(tasks, middle).hours <= longest:
            enough = middle
        else:
            least = middle + 1
    return enough


def _fleet(tasks: Sequence[Task], gpus: int, critical_hours: float, disk: DiskUse) -> Fleet:
    found = replay(tasks, gpus)
    busy = gpu_hours(tasks)
    return Fleet(
        gpus=gpus,
        hours=found.hours,
        least_hours=max(critical_hours, busy / gpus),
        utilisation=busy / (gpus * found.hours) if found.hours else 0.0,
        peak_gpus=round(found.peak(lambda number: tasks[number].gpus)),
        peak_cpus=round(found.peak(lambda number: tasks[number].cpus)),
        peak_memory_gb=round(found.peak(lambda number: tasks[number].memory_gb), 1),
        peak_disk_gb=peak_disk_gb(disk, found),
        peak_disk_kept_gb=peak_disk_gb(disk, found, keep=True),
    )


def _refuse_narrow(steps: Sequence[BoundStep], fleets: Collection[int]) -> None:
    widest = max(steps, key=lambda step: step.resources.gpus, default=None)
    if widest is not None and min(fleets) < widest.resources.gpus:
        raise UsageError(
            f"--simulate {min(fleets)}: {widest.title} needs {widest.resources.gpus} GPUs at once",
            hint=f"simulate {widest.resources.gpus} GPUs or more",
        )


def _named(
    plan: Plan, path: Sequence[BoundStep], figures: Mapping[str, Figures]
) -> CriticalPath | None:
    if not path:
        return None
    run = next(one.run for one in plan.runs if path[-1].key in one.steps.values())
    return CriticalPath(
        run=_title(run),
        hours=sum(figures[step.key].hours for step in path),
        steps=tuple(
            CriticalStep(
                key=step.key,
                name=step.name,
                stage=step.stage,
                gpus=step.resources.gpus,
                hours=step.resources.hours,
                hours_from=figures[step.key].hours_from,
            )
            for step in path
        ),
    )


def _title(run: Run) -> str:
    return f"{run.method} {run.backbone}, losses {run.losses}, seed {run.seed}"
