"""Scores as a scoring step wrote them."""

from pathlib import Path

import pytest

from harness.errors import StepError
from harness.execution.runner import read_scores
from harness.layout import StepFolder


@pytest.fixture
def entry(tmp_path: Path) -> StepFolder:
    folder = StepFolder(tmp_path)
    folder.out.mkdir()
    return folder


def test_scores_are_read(entry: StepFolder) -> None:
    (entry.out / "scores.json").write_text('{"scores": {"J": 71.5, "F": 0, "JF": 100}}')
    assert read_scores(entry, "scores.json") == {"J": 71.5, "F": 0, "JF": 100}


@pytest.mark.parametrize(
    "scores", ["null", "5", "[1]", '"x"', '{"J": "71"}', '{"J": true}', '{"J": NaN}', '{"J": 101}']
)
def test_what_is_no_score_is_refused_by_name(entry: StepFolder, scores: str) -> None:
    (entry.out / "scores.json").write_text(f'{{"scores": {scores}}}')
    with pytest.raises(StepError, match=r"scores\.json: expected scores in percent"):
        read_scores(entry, "scores.json")
