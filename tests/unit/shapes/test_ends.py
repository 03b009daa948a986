"""The last lines of a call: how it ended and how to go on."""

from pathlib import Path
from typing import Any

import pytest

from harness.commands.where import Where
from harness.errors import Cancelled, LeftRunning
from harness.execution.outcome import Outcome, Status
from harness.plan.plan import Plan
from harness.shapes.ends import End, end_lines
from tests import toy

DONE = Outcome(status=Status.DONE, seconds=5.0)
CACHED = Outcome(status=Status.CACHED, seconds=5.0)
STOPPED = Outcome(status=Status.INTERRUPTED, exit_code=130)
BLOCKED = Outcome(status=Status.BLOCKED, error="waits for train, which did not finish")
FAILED = Outcome(
    status=Status.FAILED,
    seconds=61.0,
    error="step train (toy, stage 2): exit code 1 [step]\none\ntwo\nlog: /r/output.log\nkept: /r",
    hint="read the log",
    exit_code=6,
)


@pytest.fixture
def plan() -> Plan:
    return toy.plan()


def lines(plan: Plan, *outcomes: Outcome | None, **fields: Any) -> list[str]:
    """Of the toy's steps in order: data, train and score of none, of isl."""
    ended = dict(zip(plan.steps, outcomes, strict=True))
    found = {key: one for key, one in ended.items() if one is not None}
    numbers = {one.id: number for number, one in enumerate(plan.runs, 3)}
    common: dict[str, Any] = {"numbers": numbers, "where": Where(), "seconds": 100.0}
    return end_lines(End(plan=plan, outcomes=found, **(common | fields)))


def test_a_second_call_is_one_line(plan: Plan) -> None:
    assert lines(plan, *[CACHED] * 5) == ["5 of 5 steps were done already"]


def test_all_done(plan: Plan) -> None:
    assert lines(plan, *[DONE] * 5) == ["5 of 5 steps done, in 1:40 min"]
    mixed = [CACHED, CACHED, DONE, DONE, DONE]
    assert lines(plan, *mixed) == ["5 of 5 steps done, 2 of them before, in 1:40 min"]


def test_stopped(plan: Plan) -> None:
    said = "stopped: 2 of 5 steps done; the same command goes on from there"
    assert lines(plan, CACHED, DONE, STOPPED, STOPPED, STOPPED) == [said]
    assert lines(plan, CACHED, DONE, STOPPED, None, None) == [said]


def test_detached_containers_are_told_of(plan: Plan) -> None:
    on = Outcome.interrupted(LeftRunning("step train (toy, stage 2) runs on as x", hint=""))
    assert lines(plan, DONE, on, STOPPED, STOPPED, STOPPED) == [
        "stopped: 1 of 5 steps done, 1 still running in containers",
        "the same command follows them; `harness cancel RUN` ends them",
    ]


def test_a_cancelled_step_is_named(plan: Plan) -> None:
    gone = Outcome.interrupted(Cancelled("step train (toy, stage 2) was cancelled", hint=""))
    first, last = lines(plan, DONE, gone, BLOCKED, DONE, DONE)
    assert first == "step train (toy, stage 2) was cancelled"
    assert last == "stopped: 3 of 5 steps done; the same command goes on from there"


def test_after_a_failure_reason_log_and_next_command_come_last(plan: Plan) -> None:
    assert lines(plan, DONE, FAILED, BLOCKED, DONE, DONE) == [
        "failed: 3 of 5 steps done, 1 failed, 1 waiting for what failed",
        "",
        "3/train failed after 1:01 min: exit code 1 [step]",
        "    one",
        "    two",
        "hint: read the log",
        "log: /r/output.log",
        "",
        "next: harness logs 3/train",
        "  or: harness why 3/train",
        "then: the same command goes on from there",
    ]


def test_a_step_that_never_started_has_no_log(plan: Plan) -> None:
    early = Outcome(status=Status.FAILED, error="no GPU", hint="get one", exit_code=3)
    assert lines(plan, DONE, DONE, DONE, early, BLOCKED)[2:] == [
        "4/train failed: no GPU",
        "hint: get one",
        "",
        "next: the same command goes on from there",
    ]


def test_commands_look_where_this_one_looked(plan: Plan) -> None:
    where = Where(project=Path("/my project"), runs=Path("/runs"))
    found = lines(plan, DONE, FAILED, BLOCKED, DONE, DONE, where=where)
    assert found[-3] == "next: harness logs 3/train --project '/my project' --runs /runs"


def test_many_failures_are_counted() -> None:
    plan = toy.plan(seed=(1, 2, 3))
    ended = [
        FAILED if step.name == "train" else BLOCKED if step.name == "score" else DONE
        for step in plan.steps.values()
    ]
    found = lines(plan, *ended)
    assert found[0] == "failed: 1 of 13 steps done, 6 failed, 6 waiting for what failed"
    assert sum(" failed after " in line for line in found) == 3
    assert "and 3 more: harness status" in found
    assert found[-1] == "then: the same command goes on from there"
