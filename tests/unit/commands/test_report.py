"""The verb `report`, and the report that `reproduce` leaves."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from harness.commands import report as reports
from harness.commands.context import Context
from harness.commands.where import Where
from harness.errors import UsageError
from harness.layout import RunLayout
from tests.evidence import ROOT, Finished, finish, finish_all, harness

RUNS = (
    Finished("seam", "res38", "none", 1, J=60.0, F=40.0),
    Finished("demo", "tiny", "none", 1, J=62.0, F=41.0),
)


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    return finish_all(tmp_path / "runs", RUNS)


def context(layout: RunLayout) -> Context:
    return Context.open(Where(project=ROOT, runs=layout.root))


def test_it_writes_one_file_about_the_runs_asked_for(layout: RunLayout, tmp_path: Path) -> None:
    file = tmp_path / "made" / "r.html"
    done = harness(layout, "report", "seam", "-o", str(file), "--json")
    document = json.loads(done.stdout)
    assert (document["file"], document["runs"]) == (str(file), [{"name": RUNS[0].id}])
    page = file.read_text(encoding="utf-8")
    assert "seam/res38" in page
    assert RUNS[1].id not in page
    assert 'id="verdict"' in page


def test_markdown_goes_to_stdout(layout: RunLayout) -> None:
    shown = harness(layout, "report", "demo", "-o", "-", "--format", "markdown").stdout
    assert shown.startswith("# Reproduction report: demo\n")


def test_no_run_or_an_unknown_format_is_refused(layout: RunLayout, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="no run has a record"):
        harness(RunLayout(tmp_path / "none"), "report")
    with pytest.raises(UsageError, match="pdf"):
        harness(layout, "report", "--format", "pdf")


def test_reproduce_leaves_the_report_of_its_own_runs(layout: RunLayout) -> None:
    written = reports.write_after(context(layout), [RUNS[1].id])
    assert written == layout.report
    assert "seam/res38" not in layout.report.read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_is_warned_of_and_no_more(
    layout: RunLayout, caplog: pytest.LogCaptureFixture
) -> None:
    layout.report.mkdir()
    with caplog.at_level(logging.WARNING):
        assert reports.write_after(context(layout), [RUNS[0].id]) is None
    assert "no report was written" in caplog.text
    assert str(layout.report) in caplog.text


def test_an_equal_report_is_not_drawn_again(layout: RunLayout) -> None:
    assert reports.write_after(context(layout), [RUNS[1].id])
    first = layout.report.stat().st_ino
    assert reports.write_after(context(layout), [RUNS[1].id]) == layout.report
    assert layout.report.stat().st_ino == first


@pytest.mark.parametrize("change", ["other runs", "another score", "cut", "emptied", "removed"])
def test_a_report_that_would_differ_is_drawn_again(layout: RunLayout, change: str) -> None:
    assert reports.write_after(context(layout), [RUNS[1].id])
    whole = layout.report.read_bytes()
    shown = [RUNS[1].id]
    match change:
        case "other runs":
            shown.append(RUNS[0].id)
        case "another score":
            finish(layout, replace(RUNS[0], J=RUNS[0].J + 1))  # a verdict would count it
        case "cut":
            layout.report.write_bytes(whole[:-10])
        case "emptied":
            layout.report.write_bytes(b"")
        case _:
            layout.report.unlink()
    before = layout.report.stat().st_ino if layout.report.exists() else None
    assert reports.write_after(context(layout), shown)
    assert layout.report.stat().st_ino != before
    assert layout.report.read_bytes().rstrip().endswith(b"-->")
