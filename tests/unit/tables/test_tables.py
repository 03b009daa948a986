"""Tables 6, 7 and the stages: the paper's numbers always, ours only where they may stand there."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.evidence import Evidence, RunEvidence
from harness.manifest.model import Scale
from harness.tables.findings import Findings
from harness.tables.formats import TEXTS, Format
from harness.tables.model import Absent, Measured, Printed, Seeds, Table, document
from harness.tables.stages import stages
from harness.tables.table_6 import table_6
from harness.tables.table_7 import table_7
from tests import supplement
from tests.paper_runs import evidence, fed_back, published, run_of, without

EMPTY = Evidence(root=Path("/runs"), runs=())
Row = Mapping[str, Any]


def findings(found: Evidence, **masks: frozenset[str]) -> Findings:
    return Findings.of(found, published(), masks)


def rows(table: Table) -> list[Row]:
    return list(document(table)["rows"])


def the(table: Table, row: str, losses: str, **more: str) -> Row:
    wanted = {"row": row, "losses": losses, **more}
    found = [one for one in rows(table) if wanted.items() <= one.items()]
    assert len(found) == 1, found
    return found[0]


def only(found: Evidence, *names: str) -> Evidence:
    return replace(found, runs=tuple(run for run in found.runs if run.row in names))


def scored(run: RunEvidence, **scores: float) -> RunEvidence:
    """The run with more scores: J of each label, F ten points lower."""
    final = run.scores["final"]
    more = {name: replace(final, J=J, F=J - 10, JF=J - 5) for name, J in scores.items()}
    return replace(run, scores={**run.scores, **{k.replace("_", "-"): v for k, v in more.items()}})


def test_table_6_without_runs_prints_every_published_number() -> None:
    table = table_6(findings(EMPTY))
    printed = {
        f"t6/{row['row']}/{row['losses']}/{metric}": row[f"{metric}_paper"]
        for row in rows(table)
        for metric in ("J", "F", "JF")
        if row["score"] == "final"
    }
    cells = {name: {"value": v, "spread": s} for name, v, s in supplement.table_6()}
    assert printed == cells
    assert len(cells) == 63


def test_table_7_without_runs_prints_every_published_number() -> None:
    table = table_7(findings(EMPTY))
    printed = {
        f"t7/{row['row']}/{column}/{row['losses']}/{split}": row[f"{column}_{split}"]
        for row in rows(table)
        for column in ("reported", "reproduced")
        for split in ("val", "test")
        if row["score"] == "final"
    }
    found = {name: cell and cell["value"] for name, cell in printed.items()}
    assert found == dict(supplement.table_7())
    quoted = [
        (row["method"], row["backbone"], row["reported_val"], row["reported_test"])
        for row in rows(table)
        if not row["row"]
    ]
    assert [(m, b, v["value"], t["value"]) for m, b, v, t in quoted] == [
        (
            f"{one['method']} [{one['reference']}]",
            one["backbone"],
            one["reported_val"],
            one["reported_test"],
        )
        for one in supplement.supplement()["table7_others"]
    ]


@pytest.mark.parametrize("name", [Format.MARKDOWN, Format.CSV, Format.LATEX])
def test_every_format_shows_the_numbers_of_each_line_in_order(name: Format) -> None:
    lines = TEXTS[name](table_6(findings(EMPTY))).splitlines()
    for printed in supplement.supplement()["table6"]:
        numbers = [printed[m + s] for m in ("J", "F", "JF") for s in ("", "_spread")]
        pattern = r"\D+?".join(re.escape(f"{number:.1f}") for number in numbers)
        assert any(re.search(rf"(?<![\d.]){pattern}", line) for line in lines), printed


@pytest.mark.parametrize("make", [table_6, table_7, stages])
def test_without_runs_no_cell_of_ours_has_a_number(make: Any) -> None:
    table = make(findings(EMPTY))
    ours = [i for i, column in enumerate(table.columns) if "ours" in (column.group, column.head)]
    assert ours
    for line in table.lines:
        assert all(isinstance(line.cells[index], Absent) for index in ours)
        assert not any(isinstance(cell, Measured | Seeds) for cell in line.cells)


def test_without_runs_what_would_be_judged_is_incomplete() -> None:
    table = table_6(findings(EMPTY))
    words = {row["J_verdict"]["verdict"] for row in rows(table) if row["J_verdict"]}
    assert words == {"INCOMPLETE"}
    assert any(note.startswith("INCOMPLETE: fewer than 5 seeds") for note in table.notes)


def test_ours_stand_beside_the_papers_with_mean_sd_n_and_verdict() -> None:
    """Fed back: five seeds with the mean of the cell, their sd with ddof 1 the printed spread."""
    row = the(table_6(findings(fed_back())), "seam/res38", "fsl")
    assert row["J_paper"] == {"value": 66.9, "spread": 0.4}
    assert row["J_ours"]["mean"] == pytest.approx(66.9)
    assert row["J_ours"]["sd"] == pytest.approx(0.4)
    assert list(row["J_ours"]["seeds"]) == ["1", "2", "3", "4", "5"]
    assert row["J_verdict"]["verdict"] == "REPRODUCED"
    assert row["n"] == 5


def test_a_shifted_row_is_not_reproduced() -> None:
    found = fed_back(lambda row, _: 2.0 if row == "sipe/res38" else 0.0)
    row = the(table_6(findings(found)), "sipe/res38", "isl")
    assert row["J_verdict"]["verdict"] == "NOT REPRODUCED"
    assert the(table_7(findings(found)), "sipe/res38", "none")["verdict"]["verdict"] == (
        "NOT REPRODUCED"
    )


def test_a_cell_that_lacks_a_seed_shows_its_seeds_and_no_mean() -> None:
    lacking = without(fed_back(), "pmm/res38", "isl", 3)
    row = the(table_6(findings(lacking)), "pmm/res38", "isl")
    assert row["J_ours"]["mean"] is None
    assert list(row["J_ours"]["seeds"]) == ["1", "2", "4", "5"]
    assert row["J_verdict"]["verdict"] == "INCOMPLETE"
    assert the(table_6(findings(lacking)), "pmm/res38", "fsl")["J_ours"]["mean"] is not None


def test_a_seed_without_score_makes_a_cell_incomplete_even_if_five_have_one() -> None:
    row = published().rows[0]
    more = [
        run_of(row, "none", seed, {"J": 63.9, "F": 39.9, "JF": 51.9} if seed < 6 else {})
        for seed in range(1, 7)
    ]
    found = the(table_6(findings(evidence(more))), "seam/res38", "none")
    assert found["J_ours"]["mean"] is None
    assert found["n"] == 5


def test_smoke_scale_and_the_demo_stay_out_and_are_named() -> None:
    row = published().rows[0]
    scores = {"J": 12.3, "F": 4.5, "JF": 8.4}
    smoke = [run_of(row, "none", seed, scores, scale=Scale.SMOKE) for seed in range(1, 6)]
    demo = run_of(row, "none", 1, scores, id="demo-1", method="demo", backbone="tiny")
    found = findings(evidence([*smoke, demo]))
    for make in (table_6, table_7, stages):
        table = make(found)
        text = TEXTS[Format.MARKDOWN](table)
        assert "12.3" not in text
        assert "demo" not in "".join(str(row) for row in rows(table))
        left_out = [note for note in table.notes if note.startswith("left out")]
        assert [note[:21] for note in left_out] == [
            "left out: 1 run: demo",
            "left out: 5 runs: sca",
        ]


def test_runs_of_another_stack_are_never_pooled() -> None:
    here = fed_back()
    row = published().rows[0]
    scores = {"J": 10.0, "F": 10.0, "JF": 10.0}
    other = [run_of(row, "none", seed, scores, id=f"x{seed}", stack="cu130") for seed in (1, 2, 3)]
    found = findings(replace(here, runs=(*here.runs, *other)))
    cell = the(table_6(found), "seam/res38", "none")
    assert cell["J_ours"]["mean"] == pytest.approx(63.9)
    assert cell["n"] == 5
    assert any(
        note.startswith("left out: 3 runs: stack: cu130 here, cu117")
        for note in table_6(found).notes
    )


def test_options_in_force_stand_under_each_table() -> None:
    row = next(row for row in published().rows if row.method == "pmm")
    scores = {"J": 60.0, "F": 40.0, "JF": 50.0}
    chosen = {"pus-checkpoint": "best", "fsl-sigma": "5"}
    runs = [run_of(row, "none", seed, scores, options=chosen) for seed in range(1, 6)]
    found = findings(evidence(runs), pmm=frozenset({"pus-checkpoint"}))
    for make in (table_6, table_7, stages):
        notes = make(found).notes
        assert "PMM Res38: stack cu117, pus-checkpoint best [masks], fsl-sigma 5" in notes
        assert any(note.startswith("[masks]: ") for note in notes)
    assert not any("[masks]" in note for note in table_6(findings(fed_back())).notes)


def test_a_fixed_background_of_cams_stands_beside_the_best() -> None:
    asked = next(one for one in published().rows if one.name == "mctformer/deit-s")
    scores = {"J": 60.0, "F": 40.0, "JF": 50.0}
    runs = []
    for losses, best in (("none", 0.39), ("isl", 0.45)):
        for seed in range(1, 6):
            run = run_of(asked, losses, seed, scores, options={"bg-thr": "fixed"})
            curve = {"threshold": [0.2, 0.39, 0.45], "J": [40.0, 50.0, 50.0 + 100 * (best - 0.39)]}
            cam = replace(scored(run, cam=60.0).scores["cam"], curve=curve)
            runs.append(replace(run, scores={**run.scores, "cam": cam}))
    fixed = {"mctformer": {"bg-thr": {"fixed": 0.39}}}
    found = Findings.of(evidence(runs), published(), backgrounds=fixed)
    for make in (table_6, table_7, stages):
        (note,) = [note for note in make(found).notes if "background" in note]
        assert "bg-thr fixed takes CAMs at background 0.39 for every loss" in note
        assert "none 50.0 ± 0.0 at 0.39, 50.0 ± 0.0 at the best (0.39)" in note
        assert "isl 50.0 ± 0.0 at 0.39, 56.0 ± 0.0 at the best (0.45)" in note
    for changed in ({}, {"mctformer": {"bg-thr": {"other": 0.39}}}):
        notes = stages(Findings.of(evidence(runs), published(), backgrounds=changed)).notes
        assert not any("background" in note for note in notes)


def resnet101(losses: str, **scores: float) -> Evidence:
    row = next(row for row in published().rows if row.name == "sipe/res101")
    final = {"J": 68.5, "F": 41.9, "JF": 55.2}
    return evidence(scored(run_of(row, losses, seed, final), **scores) for seed in range(1, 6))


def test_resnet101_shows_both_scores_and_f_is_judged_on_neither() -> None:
    table = table_6(findings(resnet101("none", final_plain=66.0)))
    with_crf = the(table, "sipe/res101", "none", crf="yes")
    without_crf = the(table, "sipe/res101", "none", crf="no")
    assert (with_crf["score"], without_crf["score"]) == ("final", "final-plain")
    assert with_crf["J_ours"]["mean"] == pytest.approx(68.5)
    assert without_crf["J_ours"]["mean"] == pytest.approx(66.0)
    assert without_crf["F_ours"]["mean"] == pytest.approx(56.0)
    assert without_crf["J_paper"] is without_crf["J_verdict"] is None
    assert with_crf["F_verdict"]["verdict"] == "NOT JUDGED"
    note = next(note for note in table.notes if note.startswith("SIPE Res101"))
    for words in ("45.1 ± 0.2 to 41.9 ± 0.5", "68.0 ± 0.2 to 68.5 ± 0.2", "judged on neither"):
        assert words in note
    assert the(
        table_7(findings(resnet101("none", final_plain=66.0))), "sipe/res101", "none", crf="no"
    )["ours_val"]["mean"] == pytest.approx(66.0)


def test_where_the_option_leaves_the_crf_away_final_is_the_score_without() -> None:
    table = table_6(findings(resnet101("none", final_crf=70.0)))
    assert the(table, "sipe/res101", "none", crf="no")["score"] == "final"
    assert the(table, "sipe/res101", "none", crf="yes")["J_ours"]["mean"] == pytest.approx(70.0)


def test_stages_show_the_chain_and_the_gap_at_its_end() -> None:
    row = published().rows[0]
    final = {"J": 61.9, "F": 40.0, "JF": 50.95}
    runs = [scored(run_of(row, "none", seed, final), cam=55.0, pseudo=61.0) for seed in range(1, 6)]
    table = stages(findings(evidence(runs)))
    chain = [one for one in rows(table) if (one["row"], one["losses"]) == ("seam/res38", "none")]
    assert [one["stage"] for one in chain] == ["3 CAM", "6 pseudo-label", "9 final"]
    assert [one["J_ours"]["mean"] for one in chain] == [
        pytest.approx(J) for J in (55.0, 61.0, 61.9)
    ]
    assert [one["J_gap"] for one in chain] == [None, None, pytest.approx(-2.0)]
    assert [one["J_opens"] for one in chain] == ["", "", "here or before"]
    assert chain[2]["F_gap"] == pytest.approx(0.1)
    assert chain[2]["F_opens"] == "within δ"


def test_a_gap_needs_every_seed() -> None:
    lacking = without(fed_back(lambda *_: 5.0), "seam/res38", "none", 1)
    row = the(stages(findings(lacking)), "seam/res38", "none")
    assert row["J_gap"] is None
    assert row["J_opens"] == ""


def test_stages_without_runs_show_what_the_paper_prints_of_the_last_one() -> None:
    table = stages(findings(EMPTY))
    both = the(table, "seam/res38", "isl+fsl")
    assert both["J_paper"] == {"value": 66.7, "spread": None}
    shown = dict(zip((c.name for c in table.columns), table.lines[3].cells, strict=True))
    assert shown["F_paper"] == Absent("unknown")
    assert the(table, "seam/res38", "none")["F_paper"] == {"value": 39.9, "spread": 0.2}
    assert {row["stage"] for row in rows(table)} == {"9 final"}


def answered(found: Evidence, seed: int, test: float) -> Evidence:
    """The server's answer for one run without losses of SEAM."""
    runs = (
        replace(run, test_score=test)
        if (run.row, run.losses.value, run.seed) == ("seam/res38", "none", seed)
        else run
        for run in found.runs
    )
    return replace(found, runs=tuple(runs))


def test_the_test_column_has_the_servers_answer_for_the_best_run_by_val() -> None:
    """Fed back, seed 5 has the highest J on val."""
    ours = the(table_7(findings(answered(fed_back(), 5, 65.5))), "seam/res38", "none")["ours_test"]
    assert ours["seeds"] == {"5": 65.5}
    other = answered(fed_back(), 4, 65.5)
    assert the(table_7(findings(other)), "seam/res38", "none")["ours_test"] is None
    lacking = without(answered(fed_back(), 5, 65.5), "seam/res38", "none", 1)
    assert the(table_7(findings(lacking)), "seam/res38", "none")["ours_test"] is None


def test_the_papers_own_reproduction_is_said_of_table_7() -> None:
    """PMM 64.7 against 68.5 and Spatial-BCE/Res38 68.1 against 70.0 were not reproduced by it."""
    notes = table_7(findings(EMPTY)).notes
    own = [note for note in notes if note.startswith("the paper's own val against the reported")]
    assert any("NOT REPRODUCED: PMM Res38, Spatial-BCE Res38" in note for note in own)
    assert any("MCTformer DeiT-S (k = 143)" in note for note in own)


def test_the_average_that_the_cells_do_not_give_is_stated() -> None:
    said = "Sec. S.2 prints +1.0 as the average gain of isl in F; the printed cells give +1.11"
    assert said in table_6(findings(EMPTY)).notes


@pytest.mark.parametrize("make", [table_6, table_7, stages])
def test_tables_are_whole_and_their_columns_have_names_of_their_own(make: Any) -> None:
    table = make(findings(fed_back()))
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert all(len(line.cells) == len(names) for line in table.lines)
    for column, cells in zip(
        table.columns, zip(*(line.cells for line in table.lines), strict=True), strict=True
    ):
        numbers = any(isinstance(cell, Printed | Measured) for cell in cells)
        assert column.numeric or not numbers
    assert json.loads(json.dumps(document(table))) == document(table)
