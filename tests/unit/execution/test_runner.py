"""One step and whole plans on a fake runtime: caching, contracts, failures, publication."""

import copy
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from harness.execution.faults import Retries
from harness.execution.runner import Outcome, Ready, Status, StepRunner
from harness.execution.schedule import Progress, Tokens, run_plan
from harness.gpus.leases import GpuLeases
from harness.layout import CacheLayout, RunLayout
from harness.manifest.model import Losses
from harness.plan.plan import Plan
from harness.runtimes.runtime import Cause, Exit
from harness.store.records import write_record
from harness.store.store import Store
from tests import toy
from tests.fakes import ENVIRONMENT, FakeRuntime

Act = Callable[[Path, Event], Exit | None]


def write(name: str, text: str) -> Act:
    def act(out: Path, stop: Event) -> None:
        del stop
        (out / name).write_text(text)

    return act


SCORES = json.dumps({"scores": {"J": 50.0, "F": 40.0, "JF": 45.0}})
GOOD: Mapping[str, Act] = {
    "data": write("data.txt", "data"),
    "train": write("model.txt", "model"),
    "score": write("scores.json", SCORES),
}


class Bench:
    """A store in a temporary folder and the toy's plan."""

    def __init__(self, root: Path, acts: Mapping[str, Act] = GOOD) -> None:
        self.layout = RunLayout(root / "runs")
        self.store = Store(self.layout)
        self.runtime = FakeRuntime(acts)
        self.stop = Event()
        self.cache = CacheLayout(root / "cache")
        ready = Ready(checkouts={}, assets={}, environments={("toy", "host"): ENVIRONMENT})
        self.runner = StepRunner(self.store, self.runtime, ready, retries=Retries(limit=0))

    def run(self, plan: Plan, jobs: int = 2) -> Mapping[str, Outcome]:
        tokens = Tokens(cpus=2, memory_gb=8, gpus=GpuLeases(self.cache))
        return run_plan(plan, self.runner.execute, tokens, jobs, self.stop, Progress())


def statuses(plan: Plan, outcomes: Mapping[str, Outcome], losses: Losses) -> dict[str, Status]:
    return {name: outcomes[key].status for name, key in toy.keys_of(plan, losses).items()}


def test_a_plan_runs_once_and_is_cached_afterwards(tmp_path: Path) -> None:
    plan = toy.plan(losses=tuple(Losses), seed=(1, 2))
    first = Bench(tmp_path)
    assert {o.status for o in first.run(plan).values()} == {Status.DONE}
    assert len(first.runtime.seen) == len(plan.steps)
    second = Bench(tmp_path)
    assert {o.status for o in second.run(plan).values()} == {Status.CACHED}
    assert second.runtime.seen == []
    assert not list(first.layout.attempts.iterdir())


def test_the_record_holds_what_happened(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    bench = Bench(tmp_path)
    bench.run(plan)
    record = bench.store.record(toy.keys_of(plan)["train"])
    assert record is not None
    assert record["status"] == "done"
    assert record["identity"]["key_inputs"]["environment"] == "env"
    assert record["seed"] == 1
    assert record["outputs"]["model"]["bytes"] == len("model")
    assert record["host"]["cores"]
    assert record["environment"]["torch"] == "none"


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda _out, _stop: None, "model.txt"),
        (write("model.txt", ""), "model.txt"),
        (lambda _out, _stop: Exit(cause=Cause.STEP, code=3), "exit code 3"),
        (lambda _out, _stop: Exit(cause=Cause.SIGNAL, signal="SIGKILL"), "killed by SIGKILL"),
        (lambda _out, _stop: Exit(cause=Cause.TIMEOUT), "ran past its limit"),
        (lambda _out, _stop: Exit(cause=Cause.OOM), "out of memory"),
    ],
)
def test_a_failing_step_stops_only_what_reads_it(tmp_path: Path, act: Act, words: str) -> None:
    plan = toy.plan()
    bad_key = toy.keys_of(plan, Losses.ISL)["train"]
    bench = Bench(tmp_path, {**GOOD, "train": write("model.txt", "model")})
    good = bench.runner.execute

    def execute(step: object, stop: Event, gpus: tuple[str, ...]) -> Outcome:
        bench.runtime.acts = {**GOOD, "train": act} if step.key == bad_key else GOOD  # type: ignore[attr-defined]
        return good(step, stop, gpus)  # type: ignore[arg-type]

    tokens = Tokens(cpus=1, memory_gb=8, gpus=GpuLeases(bench.cache))
    outcomes = run_plan(plan, execute, tokens, 1, bench.stop, Progress())
    failed = outcomes[bad_key]
    assert failed.status is Status.FAILED
    assert failed.exit_code == 6
    assert words in (failed.error or "")
    assert "train" in (failed.error or "")
    assert statuses(plan, outcomes, Losses.ISL)["score"] is Status.BLOCKED
    assert set(statuses(plan, outcomes, Losses.NONE).values()) == {Status.DONE}
    assert not bench.layout.entry(bad_key).root.exists()
    kept = list(bench.layout.attempts.iterdir())
    assert len(kept) == 1
    assert json.loads((kept[0] / "record.json").read_text())["status"] == "failed"


def test_a_failed_step_is_tried_again_next_time(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    Bench(tmp_path, {**GOOD, "train": lambda _out, _stop: None}).run(plan)
    again = Bench(tmp_path)
    outcomes = again.run(plan)
    assert statuses(plan, outcomes, Losses.NONE)["data"] is Status.CACHED
    assert statuses(plan, outcomes, Losses.NONE)["score"] is Status.DONE


def test_a_lost_output_is_made_again(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    bench = Bench(tmp_path)
    bench.run(plan)
    key = toy.keys_of(plan)["train"]
    (bench.layout.entry(key).out / "model.txt").unlink()
    assert bench.run(plan)[key].status is Status.DONE


def test_changed_inputs_fail_the_step_and_are_set_aside(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    bench = Bench(tmp_path)
    data = bench.layout.entry(toy.keys_of(plan)["data"])

    def vandal(out: Path, stop: Event) -> None:
        (data.out / "data.txt").write_text("changed")
        write("model.txt", "model")(out, stop)

    bench.runtime.acts = {**GOOD, "train": vandal}
    outcomes = bench.run(plan)
    error = outcomes[toy.keys_of(plan)["train"]].error or ""
    assert "changed its inputs" in error
    assert not data.root.exists()
    bench.runtime.acts = GOOD
    assert {o.status for o in bench.run(plan).values()} == {Status.DONE}


def test_stop_interrupts_running_and_waiting_steps(tmp_path: Path) -> None:
    plan = toy.plan()
    bench = Bench(tmp_path)

    def stopped(out: Path, stop: Event) -> Exit:
        del out
        bench.stop.set()
        assert stop.is_set()
        return Exit(cause=Cause.INTERRUPTED)

    bench.runtime.acts = {**GOOD, "data": stopped}
    outcomes = bench.run(plan)
    assert {o.status for o in outcomes.values()} == {Status.INTERRUPTED}
    assert {o.exit_code for o in outcomes.values()} == {130}
    assert not list(bench.layout.attempts.iterdir())


@pytest.mark.parametrize(
    "end",
    [
        Exit(cause=Cause.SIGNAL, signal="SIGTERM"),
        Exit(cause=Cause.STEP, code=143),  # a shell whose command was killed
        Exit(cause=Cause.INFRASTRUCTURE, code=1, detail="somebody sent it signal 15"),
    ],
)
def test_a_step_that_a_signal_to_all_ends_before_harness_is_interrupted(
    tmp_path: Path, end: Exit
) -> None:
    later: list[threading.Timer] = []

    def killed(out: Path, stop: Event) -> Exit:
        del out
        timer = threading.Timer(0.05, stop._command.set)  # type: ignore[attr-defined]
        later.append(timer)
        timer.start()
        return end

    bench = Bench(tmp_path, {**GOOD, "train": killed})
    plan = toy.plan()
    outcomes = bench.run(plan)
    for timer in later:
        timer.join()
    assert statuses(plan, outcomes, Losses.NONE)["train"] is Status.INTERRUPTED
    assert not list(bench.layout.attempts.iterdir())


def test_two_harnesses_run_each_step_once(tmp_path: Path) -> None:
    plan = toy.plan(losses=tuple(Losses), seed=(1, 2))
    benches = [Bench(tmp_path), Bench(tmp_path)]
    found: list[Mapping[str, Outcome]] = []
    threads = [
        threading.Thread(target=lambda bench=bench: found.append(bench.run(plan)))
        for bench in benches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = benches[0].runtime.seen + benches[1].runtime.seen
    assert len(seen) == len(plan.steps)
    assert all(o.status in {Status.DONE, Status.CACHED} for each in found for o in each.values())


def test_a_step_fails_at_once_where_there_are_too_few_gpus(tmp_path: Path) -> None:
    method = toy.method()
    steps = [
        {
            "name": "gpu",
            "stage": 2,
            "about": "x",
            "argv": ["x"],
            "outputs": {},
            "threads": {"paper": 1, "smoke": 1},
            "resources": {"paper": {"gpus": 1}},
        }
    ]
    del method
    plan = toy.plan(toy.method(steps=steps))
    bench = Bench(tmp_path)
    (outcome,) = bench.run(plan).values()
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, 3)
    assert "needs 1 GPU(s), found 0" in str(outcome.error)
    assert bench.runtime.seen == []


def test_publish_keeps_the_first_of_two(tmp_path: Path) -> None:
    store = Store(RunLayout(tmp_path))
    first, second = (store.attempt(f"{n}" * 64) for n in (1, 2))
    (first.out / "a").write_text("first")
    (second.out / "a").write_text("second")
    assert store.publish(first, "k" * 64)
    assert not store.publish(second, "k" * 64)
    assert (store.layout.entry("k" * 64).out / "a").read_text() == "first"
    assert (second.out / "a").read_text() == "second"


def test_dead_attempts_without_a_record_are_removed(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    bench = Bench(tmp_path)
    key = toy.keys_of(plan)["data"]
    dead, failed = bench.store.attempt(key), bench.store.attempt(key)
    write_record(failed.record, {"status": "failed"})
    bench.run(plan)
    assert not dead.root.exists()
    assert failed.root.exists()


def ratios(share: float) -> Act:
    """Write class ratios of one image."""

    def act(out: Path, stop: Event) -> None:
        del stop
        with (out / "model.txt").open("wb") as file:
            np.save(file, {"2007_000032": [np.float64(share)] * 20})

    return act


@pytest.mark.parametrize(("share", "warned"), [(1.0, 0), (1 + 1e-7, 1), (-1e-7, 1)])
def test_what_a_contract_warns_of_is_shown_and_recorded(
    tmp_path: Path, share: float, warned: int
) -> None:
    steps = copy.deepcopy(toy.STEPS[:2])
    for step in steps:
        step.update(threads={"paper": 1, "smoke": 1}, resources={"paper": {"memory_gb": 1}})
    steps[1]["outputs"]["model"]["contract"] = {"kind": "npy-ratios", "ids": "{in.data}"}
    plan = toy.plan(toy.method(steps=steps), losses=(Losses.NONE,))
    acts = {"data": write("data.txt", "2007_000032\n"), "train": ratios(share)}
    bench, shown = Bench(tmp_path, acts), list[str]()
    ready = Ready(checkouts={}, assets={}, environments={("toy", "host"): ENVIRONMENT})
    bench.runner = StepRunner(bench.store, bench.runtime, ready, notify=shown.append)
    assert {outcome.status for outcome in bench.run(plan).values()} == {Status.DONE}
    record = bench.store.record(toy.keys_of(plan)["train"])
    assert record is not None
    recorded = record["outputs"]["model"]["contract"].get("warnings", [])
    assert len(recorded) == len(shown) == warned
    for text, message in zip(recorded, shown, strict=True):
        assert "out of 0..1 by rounding" in text
        assert message == f"step train (toy, stage 2): output model: {text}"
