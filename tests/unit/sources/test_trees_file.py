"""`trees.txt` reads back as written and refuses anything else."""

import pytest

from harness.errors import SourceMismatch
from harness.sources.trees_file import Recorded, read_recorded

RECORDED = Recorded(
    {"losses": "1" * 64, "export": "2" * 64},
    {("a" * 40, "losses"): "b" * 40, ("a" * 40, "losses", "export"): "c" * 40},
)


def test_round_trip() -> None:
    assert read_recorded(RECORDED.text(), "trees.txt") == RECORDED


@pytest.mark.parametrize("line", ["", "# why", "patch 12 losses", f"tree {'a' * 40} {'b' * 40}"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(SourceMismatch, match=r"^trees\.txt:5: expected `patch"):
        read_recorded(f"{RECORDED.text()}{line}\n", "trees.txt")
