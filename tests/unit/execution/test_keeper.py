"""Dropping on disk: under the step's lease, by one rename, every plan heeded."""

import copy
import json
import threading
from pathlib import Path
from threading import Event

import pytest

from harness.execution.keeper import Keeper
from harness.execution.runner import Outcome, Status
from harness.execution.shards import finished_shards, split_step
from harness.layout import RunLayout
from harness.manifest.model import Losses
from harness.plan.plan import BoundStep, Plan
from harness.plan.split import split
from harness.store.records import write_record
from harness.store.restore import differing, put_back
from harness.store.split_record import split_keys
from harness.store.store import Store
from tests import toy
from tests.unit.plan.test_split import bound


def consumers() -> Plan:
    """The toy, whose model is for consumers."""
    steps = copy.deepcopy(toy.STEPS)
    for step in steps:
        step.update(
            threads={"paper": 1, "smoke": 1}, resources={"paper": {"cpus": 1, "memory_gb": 1}}
        )
    steps[1]["outputs"]["model"]["retain"] = "consumers"
    return toy.plan(toy.method(steps=steps), losses=(Losses.NONE,))


def finish(store: Store, step: BoundStep, text: str = "content") -> None:
    """Leave in the store what running the step leaves."""
    attempt = store.attempt(step.key)
    for output in step.outputs.values():
        (attempt.out / output.path).parent.mkdir(parents=True, exist_ok=True)
        (attempt.out / output.path).write_text(text)
    write_record(attempt.record, record(step, text))
    attempt.log.write_text("log\n")
    assert put_back(store, step, attempt, record(step, text)) or store.publish(attempt, step.key)


def record(step: BoundStep, text: str) -> dict[str, object]:
    return {
        "identity": {"key": step.key},
        "time": {"start": "2026-01-01", "end": "2026-01-02", "seconds": 1.0},
        "host": {"name": "here"},
        "container": {"gpus": []},
        "runtime": {},
        "outputs": {name: {"sha256": text} for name in step.outputs},
    }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(RunLayout(tmp_path))


def register(keeper: Keeper) -> None:
    with keeper.registered():
        pass


def finished(store: Store) -> tuple[Keeper, Path, dict[str, BoundStep]]:
    """A finished plan, and where its intermediate lies."""
    keeper = Keeper(store, consumers())
    register(keeper)
    steps = {step.name: step for step in keeper.plan.steps.values()}
    for step in steps.values():
        finish(store, step)
    return keeper, store.layout.entry(steps["train"].key).out / "model.txt", steps


def test_what_somebody_works_at_is_dropped_later(store: Store) -> None:
    keeper, model, steps = finished(store)
    held, release = Event(), Event()

    def work() -> None:
        with store.leases.hold(steps["train"].key, Event()):
            held.set()
            release.wait(30)

    worker = threading.Thread(target=work)
    worker.start()
    assert held.wait(30)
    keeper.sweep()
    assert model.exists()
    release.set()
    worker.join()
    keeper.sweep()
    assert not model.exists()
    assert not list(store.layout.dropped.iterdir())
    assert all(keeper.is_done(step) for step in steps.values())


def test_a_sweep_follows_a_step_that_ran(store: Store) -> None:
    keeper, model, steps = finished(store)
    said = {"score": Status.FAILED}
    execute = keeper.sweeping(
        lambda step, _stop, _gpus: Outcome(status=said.get(step.name, Status.DONE))
    )
    execute(steps["score"], Event(), ())
    assert model.exists()
    execute(steps["data"], Event(), ())
    assert not model.exists()


def test_a_plan_that_is_written_again_is_read_again(store: Store) -> None:
    keeper, model, _ = finished(store)
    register(Keeper(store, keeper.plan, keep=True))
    keeper.sweep()
    assert model.exists()
    register(keeper)
    keeper.sweep()
    assert not model.exists()


def test_what_is_put_back_says_whether_it_is_what_it_was(store: Store) -> None:
    keeper, model, steps = finished(store)
    keeper.sweep()
    finish(store, steps["train"], "other")
    found = store.record(steps["train"].key)
    assert model.read_text() == "other"
    assert found is not None
    assert found["outputs"]["model"]["sha256"] == "other"
    assert found["remade"][0]["outputs"]["model"] == {
        "before": "content",
        "after": "other",
        "put_back": True,
    }
    assert differing(found) == ("model",)
    keeper.sweep()
    finish(store, steps["train"], "other")
    found = store.record(steps["train"].key)
    assert found is not None
    assert len(found["remade"]) == 2
    assert differing(found) == ()
    assert not list(store.layout.attempts.iterdir())


def sharded(store: Store, tmp_path: Path) -> tuple[BoundStep, tuple[BoundStep, ...]]:
    (tmp_path / "all.txt").write_text("a\nb\nc\n")
    inputs = dict.fromkeys(("lines", "ids"), tmp_path)
    step = bound()
    return step, split_step(store, step, inputs, 3)


def test_parts_that_nobody_wants_go(store: Store, tmp_path: Path) -> None:
    step, parts = sharded(store, tmp_path)
    for part in parts[:2]:
        finish(store, part)
    plan = consumers()  # in which the step does not stand
    Keeper(store, plan).sweep()
    assert not any(store.layout.entry(part.key).root.exists() for part in parts)
    assert split_keys(store.layout) == []
    assert finished_shards(store, step) == ()


def test_a_finished_split_is_found_whichever_it_is(store: Store, tmp_path: Path) -> None:
    step, three = sharded(store, tmp_path)
    inputs = dict.fromkeys(("lines", "ids"), tmp_path)
    two = split_step(store, step, inputs, 2)
    assert finished_shards(store, step) == ()
    for part in three:
        finish(store, part)
    assert finished_shards(store, step) == tuple(part.key for part in three)
    assert split_step(store, step, inputs, 2) == ()  # nothing to run: they are put together
    assert two[0].key == three[0].key  # equal ids: the same part
    finish(store, two[1])
    assert finished_shards(store, step) == tuple(part.key for part in two)
    assert json.loads(store.layout.shards(step.key).read_text())["splits"] == [
        [part.key for part in three],
        [part.key for part in two],
    ]
    assert split(step, ["a", "b", "c"], 3) == three
