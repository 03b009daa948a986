"""The whole report: what its sections say, and that the page needs nothing else."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.evidence.evidence import Evidence
from harness.evidence.gather import gather
from harness.layout import RunLayout
from harness.report.beside import Beside
from harness.report.blocks import Fold, Gallery, Grid, Report, Section
from harness.report.html import render
from harness.report.make import make_report
from harness.report.sections.provenance import commit_link
from harness.tables.findings import Findings
from tests.evidence import Finished
from tests.paper_runs import published
from tests.report_runs import finish_with_pictures

RUNS = tuple(
    Finished("seam", "res38", losses, seed, J=60.0 + seed, F=40.0 + seed)
    for losses in ("none", "isl")
    for seed in (1, 2)
)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    layout = RunLayout(tmp_path_factory.mktemp("report") / "runs")
    finish_with_pictures(layout, RUNS)
    found = gather(layout)
    assert found.damage == ()
    return found


@pytest.fixture(scope="module")
def made(evidence: Evidence) -> Report:
    return make_report(evidence, Beside(findings=Findings.of(evidence, published())))


@pytest.fixture(scope="module")
def page(made: Report) -> str:
    return render(made)


def section(report: Report, name: str) -> Section:
    return next(one for one in report.sections if one.id == name)


class Page(HTMLParser):
    """The ids and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src", "xlink:href"}:
                self.addresses.append(value or "")


def test_sections_come_in_a_reviewers_order(made: Report) -> None:
    assert [one.id for one in made.sections] == [
        "overview", "verdict", "tables", "scores", "stages", "images", "training", "time",
        "provenance",
    ]  # fmt: skip


def test_equal_evidence_gives_an_equal_page(made: Report, page: str, evidence: Evidence) -> None:
    again = make_report(evidence, Beside(findings=Findings.of(evidence, published())))
    assert render(again) == page


def test_the_page_needs_no_other_file(page: str) -> None:
    found = Page(page)
    assert len(found.ids) == len(set(found.ids))
    assert all(one.startswith(("#", "data:")) for one in found.addresses)
    assert {one[1:] for one in found.addresses if one.startswith("#")} <= set(found.ids)
    assert not re.search(r"@import|url\((?!#)", page)


def test_every_seed_is_shown(made: Report) -> None:
    (grid,) = [one for one in section(made, "scores").blocks if isinstance(one, Grid)]
    final = [row for row in grid.rows if row[0].text == "final"]
    assert [row[1].text for row in final] == ["none", "isl"]
    assert final[0][3].text == "61.5 ± 0.7"
    assert final[0][6].text == "1: 61.00 · 2: 62.00"


def test_text_of_foreign_code_is_no_markup(evidence: Evidence) -> None:
    run = evidence.runs[0]
    step = replace(
        run.steps["train-cam"], status="failed", error="<script>alert(1)</script>\x1b[2J"
    )
    bad = replace(run, status="failed", steps={**run.steps, "train-cam": step})
    page = render(make_report(replace(evidence, runs=(bad,), damage=("<img src=x>",)), Beside()))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "&lt;img src=x&gt;" in page


def test_worst_images_come_first(made: Report) -> None:
    predictions, training = (
        one for one in section(made, "images").blocks if isinstance(one, Gallery)
    )
    notes = [int(tiles[2].note.removeprefix("J ")) for _, tiles in predictions.rows]
    assert notes[:6] == sorted(notes[:6])
    assert max(notes[:6]) <= min(notes[6:])
    assert predictions.columns == ("input", "ground truth", "none", "isl")
    assert "CAM isl" in training.columns
    assert all(tile.src for _, tiles in (*predictions.rows, *training.rows) for tile in tiles)
    assert ("aeroplane", "#800000") in predictions.legend


def test_without_data_the_predictions_are_shown_and_the_rest_is_a_gap(evidence: Evidence) -> None:
    moved = replace(evidence, root=Path("/nowhere"))
    predictions = next(
        one
        for one in section(make_report(moved, Beside()), "images").blocks
        if isinstance(one, Gallery)
    )
    _, tiles = predictions.rows[0]
    assert [tile.src is None for tile in tiles] == [True, True, False, False]
    assert "not at hand" in tiles[0].alt


def test_changed_samples_are_not_shown(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path / "runs")
    finish_with_pictures(layout, RUNS[:1])
    for file in layout.store.glob("*/*/out/samples/2007_000001*.png"):
        file.write_bytes(file.read_bytes() + b"x")
    assert "images" not in {one.id for one in make_report(gather(layout), Beside()).sections}


def test_every_step_is_traced(made: Report, evidence: Evidence) -> None:
    (fold,) = [one for one in section(made, "provenance").blocks if isinstance(one, Fold)]
    (grid,) = [one for one in fold.blocks if isinstance(one, Grid)]
    keys = {step.key for run in evidence.runs for step in run.steps.values()}
    assert {row[8].title for row in grid.rows} == keys


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://github.com/o/n.git", "https://github.com/o/n/commit/abc"),
        ("https://github.com/o/n/", "https://github.com/o/n/commit/abc"),
        ("javascript:alert(1)", None),
        ("https://github.com.evil.org/o/n", None),
        ("embedded", None),
    ],
)
def test_only_pages_of_commits_are_linked(address: str, link: str | None) -> None:
    assert commit_link(address, "abc") == link


def test_a_report_of_nothing_is_a_page(tmp_path: Path) -> None:
    assert "0 of 0" in render(make_report(Evidence(root=tmp_path, runs=()), Beside()))
