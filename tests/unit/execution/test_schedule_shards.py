"""The queue with steps that are split: shards first, side by side within tokens, then the whole."""

import dataclasses
import threading
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from harness.errors import StepError
from harness.execution.runner import Outcome, Status
from harness.execution.schedule import Progress, Tokens, run_plan
from harness.gpus.leases import GpuLeases
from harness.layout import CacheLayout
from harness.manifest.model import Losses, Resources
from harness.plan.plan import BoundStep, Plan, Shard
from tests import toy

FAILED = Outcome(status=Status.FAILED, error="broken", hint="fix it", exit_code=6)


def split_training(step: BoundStep) -> Sequence[BoundStep]:
    """Three shards of each training."""
    if step.name != "train":
        return ()
    return [
        dataclasses.replace(
            step,
            key=f"{step.key}-{number}",
            name=f"train {number}/3",
            shard=Shard(whole=step.key, number=number, count=3, ids=(str(number),)),
        )
        for number in (1, 2, 3)
    ]


class Machine:
    """Executes by remembering; two shards at a time must be able to meet."""

    def __init__(self, cache: Path, fails: str = "") -> None:
        self.seen: list[str] = []
        self.most = self.now = 0
        self.fails, self.guard = fails, threading.Lock()
        self.meeting = threading.Barrier(2)
        self.tokens = Tokens(cpus=2, memory_gb=8, gpus=GpuLeases(CacheLayout(cache)))

    def execute(self, step: BoundStep, stop: Event, gpus: tuple[str, ...]) -> Outcome:
        del stop, gpus
        with self.guard:
            self.seen.append(step.name)
            self.now += 1
            self.most = max(self.most, self.now)
        if step.name in {"train 1/3", "train 2/3"} and not self.fails:
            self.meeting.wait(30)
        with self.guard:
            self.now -= 1
        return FAILED if step.name == self.fails else Outcome(status=Status.DONE)

    def run(self, plan: Plan, jobs: int = 4) -> dict[str, Outcome]:
        outcomes = run_plan(
            plan, self.execute, self.tokens, jobs, Event(), Progress(), split=split_training
        )
        return {plan.steps[key].name: outcomes[key] for key in plan.steps}


def one_run() -> Plan:
    return toy.plan(losses=(Losses.NONE,))


def test_shards_run_side_by_side_within_the_tokens_and_before_the_whole(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    outcomes = machine.run(one_run())
    assert {outcome.status for outcome in outcomes.values()} == {Status.DONE}
    assert machine.seen[0] == "data"
    assert sorted(machine.seen[1:4]) == ["train 1/3", "train 2/3", "train 3/3"]
    assert machine.seen[4:] == ["train", "score"]
    assert machine.most == 2  # of four jobs: there are CPUs for two
    assert (machine.tokens.cpus, machine.tokens.running) == (2, 0)


def test_a_failed_shard_fails_the_whole_and_stops_no_other_shard(tmp_path: Path) -> None:
    machine = Machine(tmp_path, fails="train 1/3")
    outcomes = machine.run(one_run(), jobs=1)
    assert outcomes["train"] == FAILED
    assert outcomes["score"].status is Status.BLOCKED
    assert machine.seen == ["data", "train 1/3", "train 2/3", "train 3/3"]


def test_a_list_that_cannot_be_split_fails_its_step_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    def split(step: BoundStep) -> Sequence[BoundStep]:
        if step.name == "train":
            raise StepError("no list", hint="write one")
        return ()

    plan = one_run()
    outcomes = run_plan(plan, machine.execute, machine.tokens, 1, Event(), Progress(), split=split)
    found = {plan.steps[key].name: outcome for key, outcome in outcomes.items()}
    assert (found["train"].status, found["train"].exit_code) == (Status.FAILED, 6)
    assert found["score"].status is Status.BLOCKED
    assert machine.seen == ["data"]


def test_merging_shards_needs_no_more_than_any_small_step(tmp_path: Path) -> None:
    plan = one_run()
    big = Resources(cpus=2, memory_gb=8)
    steps = {
        key: dataclasses.replace(step, resources=big) if step.name == "train" else step
        for key, step in plan.steps.items()
    }
    machine = Machine(tmp_path, fails="nothing")
    assert machine.run(dataclasses.replace(plan, steps=steps))["train"].status is Status.DONE
    assert machine.tokens.memory_gb == 8
