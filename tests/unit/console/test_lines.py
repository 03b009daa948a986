"""Lines that fit: what they are about gives way first."""

import pytest
from rich.text import Text

from harness.console.lines import Line, fit

ROWS = [
    Line("train-cam", "12/15", "0:08", about="sipe res101 none|isl s1,2,3,4,5"),
    Line("crf", "", "1:00:08", about="sipe all runs", end="exit code 1"),
]


def shown(width: int | None) -> list[str]:
    return [line.plain for line in fit(ROWS, width)]


def test_columns_are_under_each_other() -> None:
    assert shown(None) == [
        "train-cam  12/15  0:08     sipe res101 none|isl s1,2,3,4,5",
        "crf               1:00:08  sipe all runs                    exit code 1",
    ]


@pytest.mark.parametrize("width", [20, 36, 44, 50, 58, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = shown(width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("train-cam  12/15  0:08"[: width - 1])
    assert ("…" in lines[0]) == (width < 58)


def test_columns_that_no_line_has_take_no_place() -> None:
    assert [line.plain for line in fit([Line("a", "", "b", about="c")], 80)] == ["a  b  c"]


def test_a_style_stays_and_sequences_do_not() -> None:
    (line,) = fit([Line(Text("done", "green"), about="x\x1b[2Jy")], 80)
    assert line.plain == "done  xy"
    assert [(span.start, span.end, span.style) for span in line.spans] == [(0, 4, "green")]
