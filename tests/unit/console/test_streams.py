"""What a person sees while steps run."""

import io
import re
from pathlib import Path

import pytest

from harness import console
from harness.console import Board, duration, read_advance, streams, users
from harness.errors import StepError
from harness.execution.outcome import Outcome, Status
from harness.layout import RunLayout
from harness.store.store import Store
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
    assert (found.at, found.of, found.text, found.share) == (3, 8, "3/8", 0.375)


def test_no_log_and_no_pattern_are_no_progress(tmp_path: Path) -> None:
    assert read_advance(tmp_path / "none", "(?P<at>x)") is None
    assert read_advance(None, "(?P<at>x)") is None


def test_users_of_a_step() -> None:
    plan = toy.plan(seed=(1, 2))
    assert users(plan, plan.steps[toy.keys_of(plan)["data"]]) == "all"
    assert users(plan, plan.steps[toy.keys_of(plan, seed=2)["train"]]) == "tiny none s2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[red]x[/]", "[red]x[/]"),
        ("[/] [link=file:///etc]y", "[/] [link=file:///etc]y"),
        (":skull: sha256:abc:", ":skull: sha256:abc:"),
        ("\x1b]52;c;eA==\x07a\x1b[2Jb", "ab"),
        ("\u202ecba", "\\u202ecba"),
    ],
)
def test_strings_are_text_wherever_they_are_shown(
    text: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows = [io.StringIO(), io.StringIO()]
    for name, file in zip(("out", "err"), shows, strict=True):
        terminal = console.ReadableConsole(file=file, width=200, force_terminal=True)
        monkeypatch.setattr(streams, name, terminal)
    console.show_table(text, (text,), [(text,)])
    console.show_error(StepError(f"what {text}", hint=f"do {text}"))
    streams.out.print(text)
    table, error = (re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()) for file in shows)
    assert table.count(shown) == 4
    assert error == f"error: what {shown}\nhint: do {shown}\n"
    assert not set("\x07\u202e") & set(table + error)


def test_a_board_shows_names_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(streams, "err", console.ReadableConsole(file=file, width=200))
    plan = toy.plan()
    step = plan.steps[toy.keys_of(plan)["train"]]
    object.__setattr__(step, "name", "[bold]\x1b[2Jtrain[/x]")
    board = Board(plan, Store(RunLayout(tmp_path)))
    failure = Outcome(status=Status.FAILED, seconds=1.0, error="[/]\x1b]0;t\x07why", hint="[red]")
    board.ended(step, failure)
    assert file.getvalue() == "failed  0/5  [bold]train[/x]      1.0 s  toy tiny none s1  [/]why\n"
