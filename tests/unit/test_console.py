"""What a person sees while steps run."""

from pathlib import Path

import pytest
from rich.console import Console

from harness.console import Board, duration, read_advance, users
from harness.execution.runner import Outcome, Status
from harness.manifest.model import Losses
from tests import toy


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (59.94, "59.9 s"), (61, "1:01 min"), (3723, "1:02:03 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_last_match_in_the_log_counts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 20000 + "\nIter: 1/ 8\nIter: 3/ 8\nnoise\n")
    found = read_advance(log, r"Iter:\s*(?P<at>\d+)/\s*(?P<of>\d+)")
    assert found is not None
    assert (found.at, found.of, found.text) == (3, 8, "3/8")


def test_no_log_and_no_pattern_are_no_progress(tmp_path: Path) -> None:
    assert read_advance(tmp_path / "none", "(?P<at>x)") is None
    assert read_advance(None, "(?P<at>x)") is None


def test_the_board_shows_step_progress_and_time_left(tmp_path: Path) -> None:
    plan = toy.plan()
    key = toy.keys_of(plan, Losses.ISL)["train"]
    log = tmp_path / "log"
    log.write_text("2 of 4\n")
    board = Board(plan, lambda _: log)
    step = plan.steps[key]
    object.__setattr__(step, "progress", r"(?P<at>\d+) of (?P<of>\d+)")
    board.started(step)
    console = Console(width=120, record=True)
    console.print(board)
    shown = console.export_text()
    assert "train" in shown
    assert "2/4" in shown
    assert "tiny isl s1" in shown
    assert f"0/{len(plan.steps)} steps" in shown
    board.ended(step, Outcome(status=Status.DONE, seconds=1.0))
    console.print(board)
    assert f"1/{len(plan.steps)} steps" in console.export_text()


def test_users_of_a_step() -> None:
    plan = toy.plan(seed=(1, 2))
    assert users(plan, plan.steps[toy.keys_of(plan)["data"]]) == "all"
    assert users(plan, plan.steps[toy.keys_of(plan, seed=2)["train"]]) == "tiny none s2"
