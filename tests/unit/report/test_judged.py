"""The report beside the paper: verdicts, tables, and the intervals that the paper prints."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.evidence.evidence import Evidence
from harness.evidence.gather import gather
from harness.evidence.groups import groups_of
from harness.layout import RunLayout
from harness.manifest.model import Scale
from harness.report.blocks import Fold, Grid, Section, Tone
from harness.report.sections.scores import published_final
from harness.report.sections.tables import tables
from harness.report.sections.timing import timing
from harness.report.sections.verdicts import verdicts
from harness.tables.findings import Findings
from tests.evidence import Finished, finish
from tests.paper_runs import fed_back, published, without


@pytest.fixture(scope="module")
def findings() -> Findings:
    return Findings.of(without(fed_back(), "seam/res38", "isl", 5), published())


def grids(section: Section | None) -> list[Grid]:
    assert section is not None
    return [one for one in section.blocks if isinstance(one, Grid)]


def test_rows_have_their_verdict_and_the_number_of_cells_of_each(findings: Findings) -> None:
    rows, claims = grids(verdicts(findings.verdict, ["seam/res38", "spatial-bce/res38"]))
    incomplete, reproduced = rows.rows
    assert (incomplete[0].text, incomplete[1].text) == ("seam/res38", "INCOMPLETE")
    assert (reproduced[1].text, reproduced[1].tone) == ("REPRODUCED", Tone.GOOD)
    # Six of Table 6, and J of isl+fsl in Table 7; what publications reported counts for no row.
    assert [sum(one.sort or 0 for one in row[2:6]) for row in rows.rows] == [7, 7]
    assert [one.sort for one in reproduced[2:6]] == [7, 0, 0, 0]
    assert len(claims.rows) == len(findings.verdict.claims)


def test_every_cell_can_be_unfolded(findings: Findings) -> None:
    section = verdicts(findings.verdict, ["sipe/res38"])
    assert section is not None
    (fold,) = [one for one in section.blocks if isinstance(one, Fold)]
    (row,) = [one for one in findings.verdict.rows if one.row.name == "sipe/res38"]
    cells = next(one for one in fold.blocks if isinstance(one, Grid))
    assert [line[0].text for line in cells.rows] == [one.number.id for one in row.cells]


def test_what_is_in_no_table_of_the_paper_has_no_verdict(findings: Findings) -> None:
    assert verdicts(findings.verdict, ["demo/tiny"]) is None
    assert tables(findings, ["demo/tiny"]) is None


def test_tables_show_every_seed_below_the_mean(findings: Findings) -> None:
    six, seven, _stages = grids(tables(findings, ["sipe/res38"]))
    assert six.caption.startswith("Table 6")
    assert seven.caption.startswith("Table 7")
    line = next(row for row in six.rows if [one.text for one in row[:2]] == ["SIPE", "Res38"])
    ours = next(one for one in line if one.below)
    assert ours.text == "68.0 ± 0.2"
    assert len(ours.below.split()) == 5
    assert six.footnotes


@pytest.mark.parametrize(
    ("losses", "metric", "name"),
    [
        ("isl", "F", "t6/seam/res38/isl/F"),
        ("isl+fsl", "J", "t7/seam/res38/reproduced/isl+fsl/val"),
        ("isl+fsl", "F", None),
    ],
)
def test_the_papers_number_of_a_final_score(losses: str, metric: str, name: str | None) -> None:
    groups = groups_of(fed_back().runs)
    group = next(one for one in groups if (one.row, one.losses.value) == ("seam/res38", losses))
    number = published_final(published().numbers, group, metric)
    assert (number.id if number else None) == name


def test_no_other_scale_is_compared_with_the_paper() -> None:
    run = replace(fed_back().runs[0], scale=Scale.SMOKE)
    (group,) = groups_of([run])
    assert published_final(published().numbers, group, "J") is None


def test_the_most_memory_of_any_execution_is_shown(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path / "runs")
    gpus = {"GPU-1": 10.0, "GPU-2": 11.25}
    for seed, used, by_gpu in ((1, 1.5, gpus), (2, 2.5, {}), (3, None, {})):
        record = {"use": {"peak_memory_gb": used, "peak_gpu_memory_gb": by_gpu}}
        finish(layout, Finished("seam", "res38", "isl", seed, J=60.0, F=40.0, record=record))
    section = timing(gather(layout))
    assert section is not None
    (fold,) = [one for one in section.blocks if isinstance(one, Fold)]
    (grid,) = fold.blocks
    assert isinstance(grid, Grid)
    assert {row[5].text for row in grid.rows} == {"2.50 GB"}
    assert {row[6].text for row in grid.rows} == {"11.25 GB"}
    assert timing(Evidence(root=tmp_path, runs=())) is None
