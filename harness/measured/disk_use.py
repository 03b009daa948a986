"""How much disk steps take while they run and until nobody reads their outputs any more."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.manifest.fields import touch
from harness.measured.replay import Schedule
from harness.plan.needs import Todo
from harness.plan.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUse:
    """GB by the number of a task."""

    before: float  # there already
    running: tuple[float, ...]  # while the task runs
    written: tuple[float, ...]  # of its outputs
    dropped: tuple[tuple[float, tuple[int, ...]], ...]  # GB that go once these tasks are done


def disk_use(plan: Plan, todo: Todo) -> DiskUse:
    """The disk of the steps to do, and of those outputs that they find."""
    steps = todo.steps(plan)
    written = tuple(sum(step.disk_gb.values()) for step in steps)
    return DiskUse(
        before=sum(
            step.disk_gb[name]
            for key, step in plan.steps.items()
            if key not in todo.open
            for name in todo.wanted[key]
        ),
        running=tuple(
            max(step.resources.disk_gb, gb) for step, gb in zip(steps, written, strict=True)
        ),
        written=written,
        dropped=tuple(_dropped(plan, todo)),
    )


def peak_disk_gb(use: DiskUse, schedule: Schedule, *, keep: bool = False) -> float:
    """Disk at its peak, in GB; with `keep` no output goes."""
    waits = [len(tasks) for _, tasks in use.dropped]
    readers: dict[int, list[int]] = {}
    for number, (_, tasks) in enumerate(use.dropped):
        for task in tasks:
            readers.setdefault(task, []).append(number)
    used = peak = use.before
    for event in schedule.events:
        if not event.ends:
            used += use.running[event.task]
            peak = max(peak, used)
            continue
        used += use.written[event.task] - use.running[event.task]
        for number in () if keep else readers.get(event.task, ()):
            waits[number] -= 1
            used -= 0.0 if waits[number] else use.dropped[number][0]
    return round(peak, 1)


def _dropped(plan: Plan, todo: Todo) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Each output for consumers with the tasks after which it goes: its readers, else its own."""
    numbers = {step.key: number for number, step in enumerate(todo.steps(plan))}
    readers: dict[str, list[tuple[str, str]]] = {}
    for key, step in plan.steps.items():
        for one in step.inputs.values():
            if one.kind == "step":
                readers.setdefault(one.ref, []).append((key, one.path))
    for key, step in plan.steps.items():
        there = step.outputs if key in todo.open else todo.wanted[key]
        for name in there if key in readers else ():  # what a plan ends in stays
            output = step.outputs[name]
            last = {
                numbers[reader]
                for reader, path in readers[key]
                if reader in numbers and touch(output.path, path)
            }
            if key in numbers and not last:
                last = {numbers[key]}
            if last and not output.always:
                yield step.disk_gb[name], tuple(sorted(last))
