"""Evidence is read from files alone; what was changed is named and left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.contracts.content import describe
from harness.errors import UsageError
from harness.evidence.gather import chosen, gather
from harness.files import write_sealed
from harness.layout import RunLayout
from tests.evidence import Finished, finish_all

RUNS = (
    Finished("demo", "tiny", "none", 1, J=60.0, F=40.0),
    Finished("demo", "tiny", "isl", 1, J=61.0, F=42.0),
    Finished("demo", "tiny", "isl+fsl", 1, J=62.0, F=44.0),
    Finished("seam", "res38", "none", 2, J=63.0, F=39.0),
    Finished("seam", "res38", "none", 1, J=64.0, F=40.0),
)


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    return finish_all(tmp_path / "runs", RUNS)


def test_runs_come_in_the_order_of_the_tables(layout: RunLayout) -> None:
    found = gather(layout)
    assert found.damage == ()
    assert [(run.row, run.losses.value, run.seed) for run in found.runs] == [
        ("demo/tiny", "none", 1),
        ("demo/tiny", "isl", 1),
        ("demo/tiny", "isl+fsl", 1),
        ("seam/res38", "none", 1),
        ("seam/res38", "none", 2),
    ]
    first = found.runs[0]
    assert list(first.scores) == ["cam", "pseudo", "final"]
    assert (first.scores["final"].J, first.scores["final"].F) == (60.0, 40.0)
    assert [step.stage for step in first.steps.values()] == [2, 3, 6, 7, 9]


def test_a_score_whose_file_was_changed_is_not_shown(layout: RunLayout) -> None:
    run = gather(layout).runs[0]
    scores = layout.entry(run.steps["score-final"].key).out / "scores.json"
    document: dict[str, Any] = json.loads(scores.read_text())
    document["scores"]["J"] = 99.0
    scores.write_text(json.dumps(document))
    found = gather(layout)
    assert "final" not in found.runs[0].scores
    assert len(found.damage) == 1
    assert str(scores) in found.damage[0]
    assert describe(scores)["sha256"][:16] in found.damage[0]


@pytest.mark.parametrize("content", ["", "null", "[]", "{", '{"schema": 4}'])
def test_a_run_record_that_is_none_is_named(layout: RunLayout, content: str) -> None:
    path = next(iter(sorted(layout.runs.glob("*.json"))))
    path.write_text(content)
    found = gather(layout)
    assert len(found.runs) == len(RUNS) - 1
    assert str(path) in found.damage[0]


def test_a_sealed_run_record_of_another_shape_is_named(layout: RunLayout) -> None:
    path = next(iter(sorted(layout.runs.glob("*.json"))))
    write_sealed(path, {"schema": 3, "run": {}, "steps": []})
    assert str(path) in gather(layout).damage[0]


def test_runs_are_chosen_by_method_row_or_beginning(layout: RunLayout) -> None:
    every = gather(layout)
    assert {run.method for run in chosen(every, ["seam"]).runs} == {"seam"}
    assert len(chosen(every, ["demo/tiny"]).runs) == 3
    assert len(chosen(every, ["seam-res38-none-s2"]).runs) == 1
    assert chosen(every, []) == every
    assert chosen(every, ["all"]) == every
    for word in ("", "nothing"):
        with pytest.raises(UsageError, match="no finished run"):
            chosen(every, [word])
