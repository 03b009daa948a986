"""What a plan comes to in rows: by method, backbone and losses; by step; by stage."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.measured.figures import ESTIMATE, Figures
from harness.plan.plan import BoundStep, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many steps some part of a plan has, and what those to do take."""

    steps: int
    done: int
    gpu_hours: float
    disk_gb: float

    @property
    def todo(self) -> int:
        """How many are to do."""
        return self.steps - self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """The runs of one method, backbone and losses; a step that arms share counts in each."""

    method: str
    backbone: str
    losses: str
    runs: int
    load: Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The steps of one name and method whose figures are equal."""

    method: str
    stage: int
    step: str
    gpus: int
    figures: Figures
    load: Load

    @property
    def sources(self) -> Mapping[str, str]:
        """Where each figure is from; of a step without a GPU there is no memory of one."""
        named = {"hours": self.figures.hours_from, "disk": self.figures.disk_from}
        return {**named, "GPU memory": self.figures.gpu_memory_from} if self.gpus else named


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The steps of one stage, of all methods."""

    stage: int
    jobs: tuple[Job, ...]

    @property
    def load(self) -> Load:
        """What its jobs come to."""
        return Load(
            steps=sum(job.load.steps for job in self.jobs),
            done=sum(job.load.done for job in self.jobs),
            gpu_hours=sum(job.load.gpu_hours for job in self.jobs),
            disk_gb=sum(job.load.disk_gb for job in self.jobs),
        )


def arms_of(plan: Plan, todo: Collection[str], figures: Mapping[str, Figures]) -> list[Arm]:
    """A row for each method, backbone and losses, in the plan's order."""
    runs: dict[tuple[str, str, str], list[Mapping[str, str]]] = {}
    for planned in plan.runs:
        run = planned.run
        name = (run.method, run.backbone, run.losses.value)
        runs.setdefault(name, []).append(planned.steps)
    return [
        Arm(
            method=method,
            backbone=backbone,
            losses=losses,
            runs=len(steps),
            load=_load(_distinct(plan, steps), todo, figures),
        )
        for (method, backbone, losses), steps in runs.items()
    ]


def jobs_of(plan: Plan, todo: Collection[str], figures: Mapping[str, Figures]) -> list[Job]:
    """A row for each step of each method, as long as its figures are equal; stage by stage."""
    groups: dict[tuple[object, ...], list[BoundStep]] = {}
    for key, step in plan.steps.items():
        one = figures[key]
        disk = tuple(one.disk_gb.values())
        numbers = (one.hours, one.at_most, one.gpu_memory_gb, disk, one.sources)
        name = (step.method, step.stage, step.name, step.resources.gpus)
        groups.setdefault((*name, *numbers), []).append(step)
    found = [
        Job(
            method=steps[0].method,
            stage=steps[0].stage,
            step=steps[0].name,
            gpus=steps[0].resources.gpus,
            figures=figures[steps[0].key],
            load=_load(steps, todo, figures),
        )
        for steps in groups.values()
    ]
    return sorted(found, key=lambda job: job.stage)


def stages_of(jobs: Iterable[Job]) -> list[Stage]:
    """The jobs by stage."""
    found: dict[int, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.stage, []).append(job)
    return [Stage(stage=stage, jobs=tuple(found[stage])) for stage in sorted(found)]


def measured_in(jobs: Iterable[Job]) -> dict[str, dict[str, list[str]]]:
    """Every source but estimates: the steps that it measured, and which of their figures."""
    found: dict[str, dict[str, list[str]]] = {}
    for job in jobs:
        for figure, source in job.sources.items():
            if source != ESTIMATE:
                found.setdefault(source, {}).setdefault(job.step, []).append(figure)
    return found


def _distinct(plan: Plan, runs: Sequence[Mapping[str, str]]) -> list[BoundStep]:
    return [plan.steps[key] for key in dict.fromkeys(key for run in runs for key in run.values())]


def _load(
    steps: Sequence[BoundStep], todo: Collection[str], figures: Mapping[str, Figures]
) -> Load:
    ahead = [step for step in steps if step.key in todo]
    return Load(
        steps=len(steps),
        done=len(steps) - len(ahead),
        gpu_hours=sum(step.resources.gpus * figures[step.key].hours for step in ahead),
        disk_gb=sum(sum(figures[step.key].disk_gb.values()) for step in ahead),
    )
