"""`harness table`: from the files of runs, in every format."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.errors import UsageError
from harness.layout import RunLayout
from tests.evidence import Finished, finish

NAMES = ("6", "7", "8", "stages")


def table(*words: str) -> Result:
    return CliRunner().invoke(app, ["table", *words])


def run(losses: str, seed: int, J: float, **more: str) -> Finished:
    return Finished("seam", "res38", losses, seed, J=J, F=40.0, options={"alphas": "1-24"}, **more)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Five seeds of one arm, three of another, and one of the demo."""
    layout = RunLayout(tmp_path / "runs")
    layout.runs.mkdir(parents=True)
    for seed in range(1, 6):
        finish(layout, run("none", seed, 63.0 + seed / 2))
    for seed in range(1, 4):
        finish(layout, run("isl", seed, 70.0 + seed))
    finish(layout, Finished("demo", "tiny", "none", 1, J=12.34, F=5.0))
    return layout.root


def test_table_6_from_the_files_of_runs(runs: Path) -> None:
    done = table("6", "--runs", str(runs), "--json")
    assert done.exit_code == 0, done.exception
    document = json.loads(done.stdout)
    first, second = document["rows"][:2]
    assert first["J_ours"]["mean"] == pytest.approx(64.5)
    assert first["J_ours"]["seeds"] == {str(seed): 63.0 + seed / 2 for seed in range(1, 6)}
    assert second["J_ours"]["mean"] is None
    assert second["J_verdict"]["verdict"] == "INCOMPLETE"
    assert "SEAM Res38: stack cu117, alphas 1-24" in document["notes"]
    assert "12.3" not in done.stdout


def test_the_terminal_shows_seeds_of_what_is_incomplete(runs: Path) -> None:
    done = table("6", "--runs", str(runs))
    assert done.exit_code == 0, done.exception
    assert "64.5 ± 0.8" in done.stdout
    assert all(score in done.stdout for score in ("71.0", "72.0", "73.0"))
    assert "left out: 1 run: demo/tiny" in done.stdout


def test_stages_from_the_files_of_runs(runs: Path) -> None:
    done = table("stages", "--runs", str(runs), "--format", "csv")
    assert done.exit_code == 0, done.exception
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["score"] for row in rows[:3]] == ["cam", "pseudo", "final"]
    assert [float(row["J_ours"]) for row in rows[:3]] == [54.5, 62.5, 64.5]
    assert float(rows[2]["J_gap"]) == pytest.approx(0.6)
    assert "ours: mean" in done.stderr


def test_damage_is_named_and_left_out(runs: Path) -> None:
    path = next((runs / "runs").glob("seam-res38-none-s1-*"))
    path.write_text(path.read_text().replace("63.5", "73.5"))
    done = table("6", "--runs", str(runs), "--json")
    assert done.exit_code == 0
    assert path.name in done.stderr
    assert json.loads(done.stdout)["rows"][0]["n"] == 4


@pytest.mark.parametrize("name", NAMES)
def test_every_format_of_every_table(name: str) -> None:
    shown = {
        form: table(name, "--format", form)
        for form in ("terminal", "markdown", "csv", "latex", "json")
    }
    assert all(done.exit_code == 0 for done in shown.values())
    assert len({done.stdout for done in shown.values()}) == 5
    assert table(name, "--json").stdout == shown["json"].stdout


def test_no_such_table_and_no_such_format() -> None:
    done = table("9")
    assert isinstance(done.exception, UsageError)
    assert done.exception.hint == "there is: 6, 7, 8, stages"
    assert isinstance(table("6", "--format", "pdf").exception, UsageError)
