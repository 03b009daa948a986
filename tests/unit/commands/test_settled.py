"""How steps ended that other processes execute: by files, and what a batch system lost."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.commands.settled import keep_end, settled_outcomes, write_settled_runs
from harness.execution.outcome import Outcome, Status
from harness.layout import RunLayout
from harness.manifest.model import Losses
from harness.store.store import Store
from tests import toy
from tests.unit.execution.test_keeper import finish

PLAN = toy.plan(losses=(Losses.NONE,))
KEYS = dict(PLAN.runs[0].steps)
FAILED = Outcome(status=Status.FAILED, error="exit code 3", hint="read the log", exit_code=6)
STOPPED = Outcome(status=Status.INTERRUPTED, error="stopped", exit_code=130)


@pytest.fixture
def context(tmp_path: Path) -> Any:
    store = Store(RunLayout(tmp_path))
    return SimpleNamespace(store=store, layout=store.layout, code={})


def ends(context: Any, **more: Any) -> dict[str, str]:
    found = settled_outcomes(context, PLAN, **more)
    return {name: found[key].status.value for name, key in KEYS.items() if key in found}


def done(context: Any, name: str) -> None:
    finish(context.store, PLAN.steps[KEYS[name]])


def test_what_has_no_end_is_left_out(context: Any) -> None:
    assert ends(context) == {}
    done(context, "data")
    assert ends(context) == {"data": "cached"}


def test_a_step_that_this_plan_ran_is_done_and_not_cached(context: Any) -> None:
    done(context, "data")
    keep_end(context, PLAN, KEYS["data"], Outcome(status=Status.DONE, seconds=3.0))
    assert settled_outcomes(context, PLAN)[KEYS["data"]].seconds == 3.0
    assert ends(context) == {"data": "done"}


def test_a_failure_blocks_what_reads_it_and_that_alone(context: Any) -> None:
    done(context, "data")
    keep_end(context, PLAN, KEYS["train"], FAILED)
    assert ends(context) == {"data": "cached", "train": "failed", "score": "blocked"}
    found = settled_outcomes(context, PLAN)
    assert found[KEYS["train"]] == FAILED
    assert found[KEYS["score"]].error == "waits for train, which did not finish"


def test_a_step_that_was_stopped_has_ended_unless_its_job_starts_again(context: Any) -> None:
    done(context, "data")
    keep_end(context, PLAN, KEYS["train"], STOPPED)
    assert ends(context)["train"] == "interrupted"
    assert ends(context, alive={KEYS["train"]}) == {"data": "cached"}


def test_a_failure_whose_step_was_finished_since_counts_no_more(context: Any) -> None:
    keep_end(context, PLAN, KEYS["data"], FAILED)
    done(context, "data")
    assert ends(context) == {"data": "cached"}


def test_a_job_that_is_lost_is_the_end_of_a_step_without_a_file(context: Any) -> None:
    done(context, "data")
    lost = {KEYS["train"]: FAILED}
    assert ends(context, gone=lost) == {"data": "cached", "train": "failed", "score": "blocked"}


def test_a_damaged_end_counts_as_none(context: Any) -> None:
    keep_end(context, PLAN, KEYS["data"], FAILED)
    context.layout.end(PLAN.id, KEYS["data"]).write_text("{")
    assert ends(context) == {}


def test_a_run_gets_its_record_once_all_its_steps_have_ended(context: Any) -> None:
    assert write_settled_runs(context, PLAN, KEYS["data"]) == []
    keep_end(context, PLAN, KEYS["data"], FAILED)
    (result,) = write_settled_runs(context, PLAN, KEYS["data"])
    assert result.status == "failed"
    record = json.loads(context.layout.run(PLAN.runs[0].id).read_text())
    assert {name: (one["status"], one["error"]) for name, one in record["steps"].items()} == {
        "data": ("failed", "exit code 3"),
        "train": ("blocked", "waits for data, which did not finish"),
        "score": ("blocked", "waits for train, which did not finish"),
    }
    assert write_settled_runs(context, PLAN, "another") == []


def test_a_run_record_is_left_as_it_is_if_nothing_ran_and_it_says_the_same(context: Any) -> None:
    unscored = {key: replace(step, score=None) for key, step in PLAN.steps.items()}
    plan, file = replace(PLAN, steps=unscored), context.layout.run(PLAN.runs[0].id)
    for step in plan.steps.values():
        finish(context.store, step)

    def code_after(**code: str) -> dict[str, str]:
        context.code = code
        write_settled_runs(context, plan, KEYS["data"])
        found: dict[str, str] = json.loads(file.read_text())["code"]
        return found

    assert code_after(commit="first") == {"commit": "first"}
    assert code_after(commit="second") == {"commit": "first"}
    file.write_text("{")
    assert code_after(commit="third") == {"commit": "third"}
    keep_end(context, plan, KEYS["data"], Outcome(status=Status.DONE))
    assert code_after(commit="fourth") == {"commit": "fourth"}
    assert code_after(commit="fifth") == {"commit": "fifth"}  # a step ran, as far as anybody knows
