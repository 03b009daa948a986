"""When each task starts and ends on N GPUs, in the order in which the local executor starts steps.

A task starts once its parents are done and its GPUs are free; of several that could start, the
first in the plan's order does. CPUs and memory are taken to suffice for all that are ready.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.measured.tasks import Task, children_of


@dataclass(frozen=True, slots=True)
class Event:
    """The start or the end of a task, by its number."""

    hour: float
    task: int
    ends: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """Starts and ends of all tasks, in the order in which they come."""

    events: tuple[Event, ...]

    @property
    def hours(self) -> float:
        """When the last task ends."""
        return self.events[-1].hour if self.events else 0.0

    def peak(self, need: Callable[[int], float]) -> float:
        """The most in use at once of what each running task needs, by its number."""
        used = most = 0.0
        for event in self.events:
            used += -need(event.task) if event.ends else need(event.task)
            most = max(most, used)
        return most


def replay(tasks: Sequence[Task], gpus: int) -> Schedule:
    """Replay tasks, parents before children, on so many GPUs; none may need more than there are."""
    return _Replay(tasks, gpus).run()


@dataclass(slots=True)
class _Replay:
    tasks: Sequence[Task]
    free: int
    events: list[Event] = field(default_factory=list)
    running: list[tuple[float, int]] = field(default_factory=list)  # (when it ends, which)
    ready: dict[int, list[int]] = field(default_factory=dict)  # by GPUs needed: first comes first

    def run(self) -> Schedule:
        children = children_of(self.tasks)
        missing = [len(task.parents) for task in self.tasks]
        self._enqueue([number for number, count in enumerate(missing) if not count])
        self._start_ready(0.0)
        while self.running:
            now = self.running[0][0]
            for ended in self._end_due(now):
                for child in children[ended]:
                    missing[child] -= 1
                self._enqueue([child for child in children[ended] if not missing[child]])
            self._start_ready(now)
        return Schedule(tuple(self.events))

    def _enqueue(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            heapq.heappush(self.ready.setdefault(self.tasks[number].gpus, []), number)

    def _start_ready(self, now: float) -> None:
        """Start, in the plan's order, each ready task that fits."""
        while fitting := [heap for need, heap in self.ready.items() if heap and need <= self.free]:
            number = heapq.heappop(min(fitting, key=lambda heap: heap[0]))
            task = self.tasks[number]
            self.free -= task.gpus
            heapq.heappush(self.running, (now + task.hours, number))
            self.events.append(Event(now, number, ends=False))

    def _end_due(self, now: float) -> list[int]:
        """End every task whose time has come; all their GPUs are free before another starts."""
        ended = []
        while self.running and self.running[0][0] <= now:
            _, number = heapq.heappop(self.running)
            self.free += self.tasks[number].gpus
            self.events.append(Event(now, number, ends=True))
            ended.append(number)
        return ended
