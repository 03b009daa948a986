"""Cells: what people read and what machines read."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tables.model import (
    Absent,
    Cell,
    Column,
    Count,
    Gap,
    Line,
    Measured,
    Names,
    Printed,
    Ruling,
    Seeds,
    Table,
    Words,
    document,
    for_people,
    headings,
)

PERCENT = st.floats(0, 100, allow_nan=False)
BY_SEED = st.dictionaries(st.integers(0, 99), PERCENT, min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("cell", "text", "plain"),
    [
        (Words("isl"), "isl", "isl"),
        (Names(("res38", "res101")), "res38, res101", ["res38", "res101"]),
        (Printed(63.9, 0.5), "63.9 ± 0.5", {"value": 63.9, "spread": 0.5}),
        (Printed(69.0), "69.0", {"value": 69.0, "spread": None}),
        (Gap(1.06), "+1.1", 1.06),
        (Gap(-0.44), "-0.4", -0.44),
        (Count(5), "5", 5),
        (Ruling("CONSISTENT", "why"), "CONSISTENT", {"verdict": "CONSISTENT", "note": "why"}),
        (Absent("dash"), "-", None),
        (Absent("no runs"), "-", None),
        (Absent("unknown"), "unknown", None),
        (Absent("above"), "", None),
        (
            Measured({2: 64.0, 1: 63.0}),
            "63.5 ± 0.7",
            {"mean": 63.5, "sd": 0.5**0.5, "n": 2, "seeds": {"1": 63.0, "2": 64.0}},
        ),
        (
            Seeds({2: 64.04, 1: 63.0}),
            "63.0, 64.0",
            {"mean": None, "sd": None, "n": 2, "seeds": {"1": 63.0, "2": 64.04}},
        ),
    ],
)
def test_a_cell_for_people_and_for_machines(cell: Cell, text: str, plain: object) -> None:
    assert cell.text == text
    found = cell.plain
    assert found == (pytest.approx(plain) if isinstance(plain, float) else plain)
    assert json.loads(json.dumps(found)) == found


@given(BY_SEED)
def test_every_seed_counts_and_sd_has_ddof_1(by_seed: dict[int, float]) -> None:
    cell = Measured(by_seed)
    values = list(by_seed.values())
    assert cell.value == pytest.approx(np.mean(values))
    if len(values) == 1:
        assert cell.spread is None
        assert "±" not in cell.text
    else:
        assert cell.spread == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    assert len(cell.plain["seeds"]) == cell.plain["n"] == len(values)


@given(BY_SEED)
def test_what_lacks_seeds_shows_them_all_and_no_mean(by_seed: dict[int, float]) -> None:
    cell = Seeds(by_seed)
    assert len(cell.text.split(", ")) == len(by_seed)
    assert cell.plain["mean"] is None
    assert not hasattr(cell, "value")


TABLE = Table(
    name=6,
    title="Scores",
    columns=(
        Column(name="row", head="row", machine=True),
        Column(name="J_ours", head="ours", group="J", numeric=True),
    ),
    lines=(Line(cells=(Words("seam/res38"), Gap(1.0))),),
    notes=("a note",),
)


def test_a_document_has_every_column_by_name() -> None:
    assert document(TABLE) == {
        "table": 6,
        "title": "Scores",
        "rows": [{"name": "seam/res38", "row": "seam/res38", "J_ours": 1.0}],
        "notes": ["a note"],
    }


def test_people_do_not_see_what_is_for_machines() -> None:
    shown = for_people(TABLE)
    assert headings(shown) == ("J ours",)
    assert [line.cells for line in shown.lines] == [(Gap(1.0),)]
    assert shown.notes == TABLE.notes


def test_a_title_has_the_number_of_the_paper() -> None:
    assert TABLE.heading == "Table 6: Scores"
