"""Replays on N GPUs against bounds that hold for every schedule, and against brute force."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from harness.measured.replay import Event, Schedule, replay
from harness.measured.simulation import enough_gpus
from harness.measured.tasks import Task, children_of, critical_path, gpu_hours


@st.composite
def plans(
    draw: st.DrawFn, most: int = 12, widest: int = 3, shortest: int = 0, least_gpus: int = 0
) -> list[Task]:
    """Tasks of whole hours, so that every sum is exact; parents before children."""
    tasks: list[Task] = []
    for number in range(draw(st.integers(0, most))):
        parents = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        hours, gpus = draw(st.integers(shortest, 5)), draw(st.integers(least_gpus, widest))
        tasks.append(Task(hours=hours, gpus=gpus, parents=tuple(sorted(parents))))
    return tasks


gpus_at_hand = st.integers(3, 6)


def path_hours(tasks: list[Task]) -> float:
    return sum(tasks[number].hours for number in critical_path(tasks))


def times(schedule: Schedule) -> tuple[dict[int, float], dict[int, float]]:
    starts = {one.task: one.hour for one in schedule.events if not one.ends}
    ends = {one.task: one.hour for one in schedule.events if one.ends}
    return starts, ends


@given(plans(), gpus_at_hand)
def test_every_task_runs_once_after_its_parents_on_free_gpus(tasks: list[Task], gpus: int) -> None:
    schedule = replay(tasks, gpus)
    starts, ends = times(schedule)
    assert len(schedule.events) == 2 * len(tasks)
    assert starts.keys() == ends.keys() == set(range(len(tasks)))
    for number, task in enumerate(tasks):
        assert ends[number] == starts[number] + task.hours
        assert all(ends[parent] <= starts[number] for parent in task.parents)
    assert list(schedule.events) == sorted(schedule.events, key=lambda one: one.hour)
    assert schedule.peak(lambda number: tasks[number].gpus) <= gpus


@given(plans(), gpus_at_hand)
def test_makespan_lies_between_the_bounds_of_list_schedules(tasks: list[Task], gpus: int) -> None:
    hours, longest = replay(tasks, gpus).hours, path_hours(tasks)
    assert hours >= longest
    assert hours >= gpu_hours(tasks) / gpus
    widest = max((task.gpus for task in tasks), default=1)
    # Whenever the critical path waits, fewer GPUs are free than the widest task needs.
    assert hours <= longest + gpu_hours(tasks) / (gpus - max(widest, 1) + 1) + 1e-9


@given(plans())
def test_from_as_many_gpus_as_are_ever_busy_on_more_help_nothing(tasks: list[Task]) -> None:
    unlimited = replay(tasks, sum(task.gpus for task in tasks))
    busy = round(unlimited.peak(lambda number: tasks[number].gpus))
    assert unlimited.hours == path_hours(tasks)
    for gpus in (busy, busy + 1, busy + 7):
        assert replay(tasks, gpus) == unlimited


@given(plans())
def test_enough_gpus_reach_the_critical_path_and_one_fewer_does_not(tasks: list[Task]) -> None:
    longest = path_hours(tasks)
    enough = enough_gpus(tasks, longest)
    widest = max((task.gpus for task in tasks), default=0)
    assert replay(tasks, enough).hours == longest
    if enough > widest:
        assert replay(tasks, enough - 1).hours > longest


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 6))
def test_of_independent_steps_one_gpu_more_makes_no_plan_longer(
    hours: list[int], gpus: int
) -> None:
    tasks = [Task(hours=one, gpus=1) for one in hours]
    assert replay(tasks, gpus + 1).hours <= replay(tasks, gpus).hours


@given(plans(), gpus_at_hand, st.integers(2, 5))
def test_steps_as_many_times_as_long_make_a_plan_as_many_times_as_long(
    tasks: list[Task], gpus: int, factor: int
) -> None:
    slow = [Task(hours=factor * one.hours, gpus=one.gpus, parents=one.parents) for one in tasks]
    assert replay(slow, gpus).hours == factor * replay(tasks, gpus).hours


@given(plans(shortest=1), gpus_at_hand)
def test_replay_is_what_an_hourly_look_at_all_steps_gives(tasks: list[Task], gpus: int) -> None:
    assert times(replay(tasks, gpus)) == hour_by_hour(tasks, gpus)


@given(plans(most=5, shortest=1, widest=2, least_gpus=1), st.integers(2, 3))
def test_replay_is_within_twice_the_shortest_of_all_orders(tasks: list[Task], gpus: int) -> None:
    shortest = min(
        max(hour_by_hour(tasks, gpus, order)[1].values(), default=0.0)
        for order in itertools.permutations(range(len(tasks)))
    )
    hours = replay(tasks, gpus).hours
    bound = max(path_hours(tasks), gpu_hours(tasks) / gpus)
    assert bound <= shortest <= hours
    if all(task.gpus == 1 for task in tasks):
        assert hours <= (2 - 1 / gpus) * shortest


@given(plans(most=8))
def test_critical_path_is_the_longest_of_all_paths(tasks: list[Task]) -> None:
    children = children_of(tasks)

    def paths(number: int) -> list[list[int]]:
        return [[number]] + [[number, *rest] for one in children[number] for rest in paths(one)]

    every = [path for number in range(len(tasks)) for path in paths(number)]
    longest = max((sum(tasks[one].hours for one in path) for path in every), default=0)
    path = critical_path(tasks)
    assert sum(tasks[number].hours for number in path) == longest
    assert list(path) in every or not tasks


def hour_by_hour(
    tasks: list[Task], gpus: int, order: tuple[int, ...] | None = None
) -> tuple[dict[int, float], dict[int, float]]:
    """Look at every task every hour, in this order: as plain as can be."""
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    for hour in range(math.ceil(sum(task.hours for task in tasks)) + 1):
        for number in order or range(len(tasks)):
            task = tasks[number]
            busy = sum(tasks[one].gpus for one in starts if ends[one] > hour)
            done = all(parent in ends and ends[parent] <= hour for parent in task.parents)
            if number not in starts and done and busy + task.gpus <= gpus:
                starts[number] = float(hour)
                ends[number] = hour + task.hours
    return starts, ends


def test_a_step_that_fits_starts_beside_a_wider_one_that_waits() -> None:
    tasks = [Task(hours=2, gpus=1), Task(hours=2, gpus=2), Task(hours=1, gpus=1)]
    starts, _ = times(replay(tasks, 2))
    assert starts == {0: 0, 1: 2, 2: 0}


def test_steps_that_end_together_free_their_gpus_together() -> None:
    tasks = [
        Task(hours=1, gpus=1),
        Task(hours=1, gpus=1),
        Task(hours=1, gpus=2),
        Task(hours=9, gpus=1),
    ]
    starts, _ = times(replay(tasks, 2))
    assert starts == {0: 0, 1: 0, 2: 1, 3: 2}


def test_nothing_to_do_takes_no_time() -> None:
    assert replay([], 1).hours == 0
    assert replay([], 1).events == ()
    assert critical_path([]) == ()
    assert enough_gpus([], 0.0) == 0


def test_peak_counts_what_runs_at_once() -> None:
    events = (Event(0, 0, ends=False), Event(0, 1, ends=False), Event(1, 0, ends=True))
    assert Schedule(events).peak(lambda number: (5, 7)[number]) == 12
