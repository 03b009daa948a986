"""`harness record` on runs made up for tests: what it finds, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.errors import HarnessError, UsageError
from harness.files import write_sealed
from harness.layout import RunLayout
from tests.evidence import Finished, finish
from tests.outputs import valid

ABOUT: dict[str, Any] = {
    "host": {"name": "node1", "cpu": "A"},
    "error": None,
    "exit": {"cause": "done", "code": 0, "signal": None},
}
ONE = Finished("demo", "tiny", "none", 1, J=60.0, F=40.0, record=ABOUT)
TWO = Finished(
    "demo", "tiny", "none", 2, J=61.0, F=41.0, record={**ABOUT, "host": {"name": "n2", "cpu": "B"}}
)
OTHER = Finished("seam", "res38", "isl", 1, J=63.0, F=39.0, record=ABOUT)


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    layout = RunLayout(tmp_path / "runs")
    for one in (ONE, TWO, OTHER):
        finish(layout, one)
    return layout


def ask(layout: RunLayout, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["record", *words, "--runs", str(layout.root), "--json"])
    if isinstance(done.exception, HarnessError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return valid(done.stdout)


def test_the_list_says_when_and_where_steps_ran(layout: RunLayout) -> None:
    runs = ask(layout, "list")["runs"]
    assert [run["name"] for run in runs] == [ONE.id, TWO.id, OTHER.id]
    assert (runs[0]["hosts"], runs[0]["J"], runs[0]["steps"]) == (["node1"], 60.0, 5)
    assert runs[0]["start"] == "2026-01-01T00:00:00+00:00"
    assert [run["name"] for run in ask(layout, "list", "seam")["runs"]] == [OTHER.id]
    assert len(ask(layout, "list", "--steps", "demo")["steps"]) == 10


def test_a_record_is_found_by_run_step_and_key(layout: RunLayout) -> None:
    assert shown(layout, "seam")["id"] == OTHER.id
    step = shown(layout, f"{ONE.id}/train-cam")
    assert step["identity"]["step"] == "train-cam"
    key = step["identity"]["key"]
    assert shown(layout, key[:12]) == shown(layout, key) == step


def shown(layout: RunLayout, name: str) -> dict[str, Any]:
    """The one record of `record show`."""
    (row,) = ask(layout, "show", name)["records"]
    assert row["name"] == name
    record: dict[str, Any] = row["record"]
    return record


def test_a_step_that_failed_is_its_newest_attempt(layout: RunLayout) -> None:
    key = ask(layout, "show", f"{ONE.id}/train-cam")["identity"]["key"]
    record = json.loads(layout.entry(key).record.read_text())
    for path in sorted(layout.entry(key).root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for number in ("1", "2"):
        attempt = layout.attempt(f"{key[:16]}-{number}")
        attempt.root.mkdir(parents=True)
        failed = {**record, "status": "failed", "error": f"exit code {number}"}
        del failed["digest"]
        write_sealed(attempt.record, failed)
    assert ask(layout, "show", f"{ONE.id}/train-cam")["error"] == "exit code 2"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "sipe"), "no finished run"),
        (("show", "demo"), "2 runs are meant"),
        (("show", f"{ONE.id}/step"), "has no step step"),
        (("show", "0" * 12), "no step of that key"),
        (("diff", ONE.id), "needs two records"),
        (("diff", ONE.id, f"{TWO.id}/train-cam"), "a run and a step cannot be compared"),
        (("diff", ONE.id, "--with", "/dev/null/none"), "no such folder|cannot be read"),
        (("rebuild", ONE.id, "--into", "x", "--runtime", "process"), "fresh containers"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    layout: RunLayout, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        ask(layout, *words)


def test_runs_and_steps_are_compared(layout: RunLayout) -> None:
    found = ask(layout, "diff", ONE.id, TWO.id)
    assert found["suspect"] == "run.seed"
    assert found["scores"]["final"] == [{"J": 60.0, "F": 40.0}, {"J": 61.0, "F": 41.0}]
    kinds = [one["kind"] for one in found["differences"]]
    assert kinds == ["option, parameter or seed", "CPU", "rest"]
    steps = ask(layout, "diff", f"{ONE.id}/train-cam", f"{TWO.id}/train-cam")
    assert [one["name"] for one in steps["differences"]] == ["cpu.model", "host.name"]


def test_another_folder_holds_the_other_one(layout: RunLayout, tmp_path: Path) -> None:
    other = RunLayout(tmp_path / "other")
    finish(other, ONE)
    found = ask(layout, "diff", ONE.id, "--with", str(other.root))
    assert found["differences"] == []
    assert found["equal_scores"] is True


def test_tables_are_shown_to_people(layout: RunLayout) -> None:
    for words in (["list"], ["list", "--steps"], ["show", "seam"], ["diff", ONE.id, TWO.id]):
        done = CliRunner().invoke(app, ["record", *words, "--runs", str(layout.root)])
        assert done.exit_code == 0, done.exception
        assert done.stdout
    assert "Most likely: run.seed 1 → 2" in done.stdout
