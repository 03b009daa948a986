"""The command: from records alone, to a verdict and an exit code."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.errors import HarnessError, NotAsExpected, UsageError
from harness.layout import RunLayout
from tests.evidence import Finished, finish
from tests.paper_runs import PATTERN, ROOT, published


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table 6 of one row as ours, and a run of the demo."""
    layout = RunLayout(tmp_path_factory.mktemp("verdict") / "runs")
    means = {n.id: n for n in published().numbers}
    for losses in ("none", "isl", "fsl", "isl+fsl"):
        printed = "fsl" if losses == "isl+fsl" else losses
        cells = [means[f"t6/spatial-bce/res38/{printed}/{metric}"] for metric in "JF"]
        if losses == "isl+fsl":
            cells[0] = means["t7/spatial-bce/res38/reproduced/isl+fsl/val"]
        for seed, step in enumerate(PATTERN, start=1):
            values = [(one.value or 0.0) + (one.spread or 0.1) * step for one in cells]
            finish(layout, Finished("spatial-bce", "res38", losses, seed, *values))
    finish(layout, Finished("demo", "tiny", "none", 1, 60.0, 40.0))
    finish(layout, Finished("seam", "res38", "none", 1, 63.9, 39.9, scale="smoke"))
    return layout.root


def call(runs: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["verdict", *words, "--runs", str(runs), "--project", str(ROOT)])


def document(runs: Path, *words: str) -> dict[str, Any]:
    shown = call(runs, *words, "--json")
    found: dict[str, Any] = json.loads(shown.stdout)
    return {**found, "exit_code": shown.exit_code}


def test_a_row_that_is_reproduced(runs: Path) -> None:
    found = document(runs, "spatial-bce/res38", "--expect", "reproduced")
    assert found["exit_code"] == 0
    assert found["unexpected"] == []
    assert [(row["row"]["method"], row["status"]) for row in found["rows"]] == [
        ("spatial-bce", "REPRODUCED")
    ]
    cell = next(c for c in found["rows"][0]["cells"] if c["number"]["id"].endswith("res38/fsl/J"))
    assert cell["sample"]["values"].keys() == {"1", "2", "3", "4", "5"}
    assert cell["comparison"]["n"] == 5


def test_what_is_not_as_expected_is_exit_code_7(runs: Path) -> None:
    found = document(runs, "spatial-bce", "--expect", "reproduced")
    assert found["exit_code"] == NotAsExpected.exit_code
    assert found["unexpected"] == ["spatial-bce/res101: INCOMPLETE"]
    shown = call(runs, "spatial-bce", "--expect", "consistent")
    assert isinstance(shown.exception, NotAsExpected)
    assert "spatial-bce/res101: INCOMPLETE" in str(shown.exception)
    assert "REPRODUCED" in shown.stdout  # the table comes first


def test_without_expectation_any_verdict_is_exit_code_0(runs: Path) -> None:
    shown = call(runs)
    assert shown.exit_code == 0
    assert "0 of 5 seeds have a score" in shown.stdout
    assert "apart: seam-res38-none-s1-smoke" in shown.stdout


def test_all_rows_come_with_the_claims_about_them(runs: Path) -> None:
    found = document(runs)
    assert len(found["rows"]) == 7
    assert {"s2/isl/F", "order/none/J"} <= {claim["id"] for claim in found["claims"]}
    assert document(runs, "all") == found


def test_runs_that_are_not_judged_are_named_with_the_reason(runs: Path) -> None:
    found = document(runs)
    assert list(found["apart"].values()) == [
        "demo/tiny is in no table of the paper: there is nothing to judge it by"
    ]
    seam = next(row for row in found["rows"] if row["row"]["method"] == "seam")
    assert [why.partition(":")[0] for why in seam["apart"].values()] == [
        "scale smoke proves wiring, never accuracy"
    ]
    assert {cell["status"] for cell in seam["cells"]} == {"INCOMPLETE", "NOT JUDGED"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["demo"], "'demo' is in no table of the paper"),
        (["--expect", "perfect"], "--expect perfect: unknown"),
        (["--paper", "other"], "--paper other: unknown"),
    ],
)
def test_what_cannot_be_asked_is_refused(runs: Path, words: list[str], message: str) -> None:
    shown = call(runs, *words)
    assert isinstance(shown.exception, UsageError)
    assert message in str(shown.exception)


def test_a_folder_of_runs_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert isinstance(call(tmp_path / "none").exception, HarnessError)


def test_nothing_is_written(runs: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in runs.rglob("*"))
    document(runs)
    assert sorted((path, path.stat().st_mtime_ns) for path in runs.rglob("*")) == before
