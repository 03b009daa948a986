"""The time left for a whole plan: by what its steps took, and by nothing else."""

import pytest

from harness.console.pace import Going, Pace
from harness.execution.outcome import Outcome, Status
from tests import toy


def ended(status: Status, seconds: float = 0.0) -> Outcome:
    return Outcome(status=status, seconds=seconds)


def test_nothing_is_known_before_a_step_shows_something() -> None:
    pace = Pace({"a": 1, "b": 1})
    assert pace.seconds_left({}) is None
    assert pace.seconds_left({"a": Going(seconds=50, share=0)}) is None


def test_steps_that_were_done_already_count_for_the_bar_and_not_for_the_rate() -> None:
    pace = Pace({"a": 8, "b": 1, "c": 1}, {"a": ended(Status.CACHED, 3600)})
    assert pace.share({}) == pytest.approx(0.8)
    assert pace.seconds_left({}) is None
    pace.ended["b"] = ended(Status.DONE, 60)
    assert pace.share({}) == pytest.approx(0.9)
    assert pace.seconds_left({}) == pytest.approx(60)


def test_only_the_steps_own_time_counts() -> None:
    """However long harness fetched, built and waited before or between."""
    pace = Pace({"a": 1, "b": 2}, {"a": ended(Status.DONE, 10)})
    assert pace.seconds_left({"b": Going(seconds=5, share=0)}) == pytest.approx(15)
    assert pace.seconds_left({"b": Going(seconds=15, share=0.5, left=15)}) == pytest.approx(15)


def test_steps_go_on_side_by_side_as_now() -> None:
    pace = Pace({"a": 1, "b": 1, "c": 1, "d": 1})
    one = {"a": Going(seconds=30, share=0.5, left=30)}
    two = {**one, "b": Going(seconds=30, share=0.5, left=30)}
    assert pace.seconds_left(one) == pytest.approx(30 + 3 * 60)
    assert pace.seconds_left(two) == pytest.approx((30 + 30 + 2 * 60) / 2)


def test_the_longest_running_step_is_waited_for() -> None:
    pace = Pace({"a": 1, "b": 9})
    going = {"a": Going(seconds=9, share=0.9, left=1), "b": Going(seconds=10, share=0.1, left=90)}
    assert pace.seconds_left(going) == pytest.approx(90)


@pytest.mark.parametrize("status", [Status.FAILED, Status.BLOCKED, Status.INTERRUPTED])
def test_what_will_not_be_done_is_not_waited_for(status: Status) -> None:
    pace = Pace({"a": 1, "b": 1, "c": 5}, {"a": ended(Status.DONE, 10), "c": ended(status)})
    assert pace.seconds_left({}) == pytest.approx(10)


def test_measured_hours_come_before_those_of_the_manifest() -> None:
    plan = toy.plan()
    first, second, *_ = plan.steps
    pace = Pace.of(plan, {first: 4.0})
    assert pace.hours[first] == 4.0
    assert pace.hours[second] == max(plan.steps[second].resources.hours, 1e-4)
