"""Where runs stand, and the runs and steps that words name, by the files of `runs/` alone."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.commands.inspect import RunState, State, find_run, find_step, status
from harness.commands.logs import find_log, log_path, read_log
from harness.commands.where import Where
from harness.commands.why import why
from harness.errors import UsageError
from harness.execution.failure import Failure
from harness.execution.keeper import Keeper
from harness.files import write_sealed
from harness.layout import RunLayout, StepFolder
from harness.manifest.model import Losses
from harness.plan.plan import Plan
from harness.shapes.status import settings_of, status_cells, status_row, whole_cells
from harness.shapes.why import why_document, why_lines
from harness.store.intent import Intent
from harness.store.records import write_record
from harness.store.store import Store
from tests import toy

NAME = "toy-tiny-none-s1-paper-host-process"
TIME = {"start": "2024-05-01T10:00:00+00:00", "end": "2024-05-01T10:01:01+00:00", "seconds": 61.0}


class Bench:
    """A `runs/` in which the toy's plan was executed, and what became of its steps."""

    def __init__(self, root: Path) -> None:
        self.store = Store(RunLayout(root))
        self.plan = toy.plan(losses=(Losses.NONE,))
        self.keys = toy.keys_of(self.plan)
        self.context: Any = SimpleNamespace(store=self.store, layout=self.store.layout)
        self.execute(self.plan)

    def execute(self, plan: Plan) -> None:
        with Keeper(self.store, plan).registered():
            pass

    def record(self, name: str, folder: StepFolder, **fields: Any) -> StepFolder:
        step = self.plan.steps[self.keys[name]]
        identity = {"key": step.key, "step": name, "method": "toy", "key_inputs": step.key_inputs}
        common = {"identity": identity, "time": TIME, "host": {"name": "far"}, "schema": 4}
        write_record(folder.record, {**common, "status": "done", "error": None, **fields})
        return folder

    def finish(self, *names: str) -> None:
        for name in names:
            entry = self.store.layout.entry(self.keys[name])
            entry.out.mkdir(parents=True)
            for output in self.plan.steps[self.keys[name]].outputs.values():
                (entry.out / output.path).write_text("x")
            entry.log.write_text(f"log of {name}\n")
            self.record(name, entry)

    def fail(self, name: str) -> Path:
        attempt = self.store.attempt(self.keys[name])
        attempt.log.write_text("a\nb\n")
        title = self.plan.steps[self.keys[name]].title
        failure = Failure(
            reason=f"{title}: exit code 1 [step]",
            lines=("a", "b"),
            log=attempt.log,
            kept=attempt.root,
        )
        self.record(name, attempt, status="failed", error=failure.text)
        return attempt.log

    def begin(self, name: str) -> StepFolder:
        attempt = self.store.attempt(self.keys[name])
        started = dt.datetime.fromisoformat(TIME["start"])  # type: ignore[arg-type]
        intent = Intent(
            runtime="process",
            name="x",
            gpus=(),
            started=started.isoformat(),
            owner=self.store.leases.owner,
            inputs={},
        )
        write_sealed(attempt.intent, asdict(intent))
        attempt.log.write_text("going\n")
        return attempt

    @property
    def run(self) -> RunState:
        return status(self.context)[0]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_run_that_nobody_executes_is_stopped(bench: Bench) -> None:
    bench.finish("data")
    assert (bench.run.state, bench.run.done, bench.run.number) == (State.STOPPED, 1, 1)
    with Keeper(bench.store, bench.plan).registered():
        assert bench.run.state is State.TODO
    bench.finish("train", "score")
    assert bench.run.state is State.DONE


def test_a_step_that_failed_makes_the_run_failed_and_one_that_runs_running(bench: Bench) -> None:
    bench.fail("train")
    assert bench.run.state is State.FAILED
    with bench.store.leases.try_hold(bench.keys["train"]):
        assert bench.run.state is State.RUNNING


def test_a_step_that_failed_before_it_started_is_known_by_the_runs_record(bench: Bench) -> None:
    run = bench.plan.runs[0].id
    early = {"status": "failed", "error": "no GPU"}
    record = {"plan": bench.plan.id, "steps": {"train": early}}
    write_record(bench.store.layout.run(run), record)
    assert bench.run.state is State.FAILED
    found = why(bench.context, "1/train")
    assert why_lines(found, Where()) == [
        "train failed before it started",
        "reason: no GPU",
        "next: harness logs 1/train",
    ]
    with pytest.raises(UsageError, match="it failed before it started: no GPU"):
        list(read_log(bench.context, found.step, follow=False))
    with Keeper(bench.store, bench.plan).registered():  # it is tried again
        assert bench.run.state is State.TODO
    write_record(bench.store.layout.run(run), {**record, "plan": "another"})
    assert bench.run.state is State.STOPPED


@pytest.mark.parametrize("word", ["1", "01", NAME, "toy-tiny-n", "toy"])
def test_a_run_by_number_name_or_beginning(bench: Bench, word: str) -> None:
    assert find_run(bench.context, word).number == 1
    assert find_step(bench.context, f"{word}/train").key == bench.keys["train"]


def test_the_number_of_a_run_that_is_gone_names_no_other(bench: Bench) -> None:
    other = toy.plan(losses=(Losses.ISL,))
    bench.execute(other)
    bench.store.layout.plan(bench.plan.id).unlink()
    assert find_run(bench.context, "2").asked["losses"] == "isl"
    with pytest.raises(UsageError, match="1: no such run"):
        find_run(bench.context, "1")


def test_beginnings_of_steps(bench: Bench) -> None:
    assert find_step(bench.context, "1/tr").name == "train"
    with pytest.raises(UsageError, match="1/x: no such step") as found:
        find_step(bench.context, "1/x")
    assert found.value.hint == "steps: data, train, score"


def test_a_name_that_runs_share_is_refused_with_their_numbers(bench: Bench) -> None:
    bench.execute(toy.plan())
    with pytest.raises(UsageError, match="the names of 2 runs begin so") as found:
        find_run(bench.context, "toy")
    assert f"1 ({NAME}" in found.value.hint
    with pytest.raises(UsageError, match="2 different steps have that name"):
        find_step(bench.context, "toy/train")
    assert find_step(bench.context, "toy/data").key == bench.keys["data"]  # both share it


def test_the_log_of_a_run_is_that_of_the_step_that_matters(bench: Bench) -> None:
    with pytest.raises(UsageError, match="no step of it has started"):
        find_log(bench.context, "1")
    bench.finish("data")
    assert find_log(bench.context, "1")[1].name == "data"
    failed = bench.fail("train")
    assert log_path(bench.context, find_log(bench.context, "1")[1].key) == failed
    with bench.store.leases.try_hold(bench.keys["score"]):
        bench.begin("score")
        step = find_log(bench.context, "1")[1]
        assert step.name == "score"
        assert "".join(read_log(bench.context, step, follow=False)) == "going\n"
    assert find_log(bench.context, "1/data")[1].name == "data"


def test_why_of_a_finished_step(bench: Bench) -> None:
    bench.finish("data")
    found = why(bench.context, "1/data")
    assert why_lines(found, Where())[0] == (
        "data is done: 2024-05-01 10:01:01 UTC on far, it took 1:01 min"
    )
    document = why_document(found)
    assert (document["state"], document["nearest"]) == ("done", bench.keys["data"])
    assert (document["seconds"], document["host"], document["reason"]) == (61.0, "far", None)


def test_why_of_a_failed_step(bench: Bench) -> None:
    log = bench.fail("train")
    found = why(bench.context, "1/train")
    assert why_lines(found, Where()) == [
        "train failed 2024-05-01 10:01:01 UTC on far, after 1:01 min",
        "reason: exit code 1 [step]",
        "    a",
        "    b",
        f"log: {log}",
        "next: harness logs 1/train",
    ]
    assert why_document(found)["reason"] == "exit code 1 [step]"


def test_why_of_a_running_step(bench: Bench) -> None:
    with bench.store.leases.try_hold(bench.keys["train"]):
        attempt = bench.begin("train")
        found = why(bench.context, "1/train")
        assert why_lines(found, Where()) == [
            f"train runs since 2024-05-01 10:00:00 UTC, by {bench.store.leases.owner}",
            f"log: {attempt.log}",
            "next: harness logs -f 1/train",
        ]


def test_why_of_a_step_to_do_names_what_it_waits_for_and_what_differs(bench: Bench) -> None:
    bench.finish("data", "train")
    bench.fail("score")
    again = toy.plan(
        toy.method(parameters={"lr": {"paper": 0.2, "smoke": 1, "source": "ours"}}),
        losses=(Losses.NONE,),
    )
    bench.execute(again)
    assert bench.run.state is State.STOPPED
    found = why(bench.context, "1/train")
    assert (found.nearest, [name for name, *_ in found.differences]) == (
        bench.keys["train"],
        ["argv"],
    )
    assert why_lines(found, Where()) == ["train is to do"]
    lines = why_lines(why(bench.context, "1/score"), Where())
    assert lines == [
        "score is to do",
        "it waits for train, which is to do",
        "no step of that name is finished",
    ]


def test_status_on_a_terminal_and_for_programs(bench: Bench) -> None:
    bench.finish("data")
    run = bench.run
    final = {run.id: (50.0, 40.25)}
    (setting,) = settings_of([run])
    assert run.id == f"toy-tiny-none-s1-{setting}"
    assert status_cells(run, {}) == ("1", "toy", "tiny", "none", "s1", "stopped", "1/3", "")
    assert status_cells(run, final)[-1] == "J 50.0 F 40.2"
    assert whole_cells(run, final) == ("1", run.id, "stopped", "1/3", "", "50.00", "40.25")
    row = status_row(run, final)
    assert (row["number"], row["state"], row["final"]) == (1, "stopped", {"J": 50.0, "F": 40.25})
    assert [step["state"] for step in row["steps"]] == ["done", "to do", "to do"]
