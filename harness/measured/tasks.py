"""Steps that are to do as a schedule sees them: hours, GPUs, CPUs, memory, what comes before."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.plan.plan import BoundStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A step by what it needs; its parents are numbers of earlier tasks."""

    hours: float
    gpus: int = 0
    cpus: int = 1
    memory_gb: float = 0.0
    parents: tuple[int, ...] = ()


def tasks_of(steps: Sequence[BoundStep]) -> tuple[Task, ...]:
    """The tasks of these steps, in their order; parents that are not among them are done."""
    numbers = {step.key: number for number, step in enumerate(steps)}
    return tuple(
        Task(
            hours=step.resources.hours,
            gpus=step.resources.gpus,
            cpus=step.resources.cpus,
            memory_gb=step.resources.memory_gb,
            parents=tuple(numbers[key] for key in step.parents if key in numbers),
        )
        for step in steps
    )


def children_of(tasks: Sequence[Task]) -> list[list[int]]:
    """For each task the numbers of those that wait for it."""
    children: list[list[int]] = [[] for _ in tasks]
    for number, task in enumerate(tasks):
        for parent in task.parents:
            children[parent].append(number)
    return children


def gpu_hours(tasks: Sequence[Task]) -> float:
    """GPUs times hours, in all."""
    return sum(task.gpus * task.hours for task in tasks)


def critical_path(tasks: Sequence[Task]) -> tuple[int, ...]:
    """The numbers of the longest chain of tasks: no number of GPUs makes the plan shorter."""
    ends: list[float] = []
    for task in tasks:
        ends.append(task.hours + max((ends[parent] for parent in task.parents), default=0.0))
    if not ends:
        return ()
    path = [max(range(len(ends)), key=ends.__getitem__)]
    while parents := tasks[path[-1]].parents:
        path.append(max(parents, key=ends.__getitem__))
    return tuple(reversed(path))
