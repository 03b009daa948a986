"""Lists repeated to fill the batches of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.glue.repeated_list import main

LINES = "/JPEGImages/2007_000032.jpg /Masks/2007_000032.png\n/JPEGImages/2007_000039.jpg /Masks/2007_000039.png\n"


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "trainaug.txt").write_text(LINES)
    (folder / "val.txt").write_text("2007_000033\n")
    return folder


def run(lists: Path, count: int, name: str = "trainaug.txt") -> Path:
    out = lists.parent / "out"
    main(["--lists", str(lists), "--name", name, "--count", str(count), "--out", str(out)])
    return out


def test_lines_come_in_turn_until_there_are_enough(lists: Path) -> None:
    first, second = LINES.splitlines()
    written = (run(lists, 5) / "trainaug.txt").read_text()
    assert written.splitlines() == [first, second, first, second, first]


def test_fewer_than_there_are_is_a_beginning(lists: Path) -> None:
    assert (run(lists, 1) / "trainaug.txt").read_text() == LINES.splitlines()[0] + "\n"


def test_other_lists_stay_as_they_are(lists: Path) -> None:
    assert (run(lists, 5) / "val.txt").read_text() == "2007_000033\n"


@pytest.mark.parametrize(("count", "name"), [(0, "trainaug.txt"), (3, "missing.txt")])
def test_what_cannot_be_repeated_is_an_error_that_names_it(
    lists: Path, count: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(lists, count, name)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert (f"--count {count}" if count < 1 else name) in said
