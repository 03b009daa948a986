"""Tables: laid out for a terminal without breaking a name, one record a line for a pipe."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from harness import console
from harness.console import streams
from harness.console.layout import hanging, lay_out, table_lines, wrapped

WORDS = st.text(alphabet="abcé漢-/.0123456789", min_size=1, max_size=30)
CELLS = st.lists(WORDS, max_size=6).map(" ".join)


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int, **settings: bool) -> io.StringIO:
    file = io.StringIO()
    shown = console.ReadableConsole(file=file, width=width, force_terminal=True, **settings)
    monkeypatch.setattr(streams, "out", shown)
    return file


def in_pipe(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    file = io.StringIO()
    monkeypatch.setattr(streams, "out", console.ReadableConsole(file=file, width=20))
    return file


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=5),
    st.integers(min_value=20, max_value=120),
    st.sets(st.sampled_from(["first", "second", "third"])),
)
def test_no_word_is_ever_broken_and_no_line_too_wide(
    rows: list[list[str]], width: int, prose: set[str]
) -> None:
    heads = ("first", "second", "third")
    layout = lay_out(heads, rows, width, prose=prose)
    assert sorted((*layout.beside, *layout.beneath)) == [0, 1, 2]
    first, *others = table_lines(heads, rows, layout, width)
    for row, lines in zip(rows, others, strict=True):
        assert sorted(" ".join(row).split()) == sorted(
            word for line in lines for word in without_names(line, heads, layout.beneath).split()
        )
        for line in lines:  # wider only for one word, or for a first column that wraps nowhere
            alone = len(line.split()) <= 1 + line.startswith("    ")
            assert cell_len(line) <= width or alone or 0 in layout.beside
    assert all(layout.width <= width for _ in first if len(layout.beside) > 1)


def without_names(line: str, heads: tuple[str, ...], beneath: tuple[int, ...]) -> str:
    """A line below a row, less the name in front."""
    for at in beneath:
        if line.startswith(f"    {heads[at]} "):
            return line[4 + len(heads[at]) :]
    return line


def test_what_does_not_fit_wraps_then_goes_then_moves() -> None:
    heads = ("name", "why", "commit", "URL")
    rows = [["SEAM", "one two three four five six seven", "3212261b9d00", "https://example/SEAM"]]
    wide = lay_out(heads, rows, 120, prose=("why",), optional=("commit",))
    assert list(wide.beside) == [0, 1, 2, 3]
    wraps = lay_out(heads, rows, 70, prose=("why",), optional=("commit",))
    assert list(wraps.beside) == [0, 1, 2, 3]
    assert wraps.beside[1] == 70 - 4 - 12 - 20 - 6
    left_out = lay_out(heads, rows, 60, prose=("why",), optional=("commit",))
    assert list(left_out.beside) == [0, 1, 3]
    moved = lay_out(heads, rows, 40, prose=("why",), optional=("commit",))
    assert (list(moved.beside), moved.beneath) == ([0, 3], (1,))


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("/a/path/that/is/long x", 5, ["/a/path/that/is/long", "x"]),
        ("漢字 漢字", 6, ["漢字", "漢字"]),
        ("one\ntwo", 20, ["one", "two"]),
        ("run it:\nharness plan sipe --seeds 5", 9, ["run it:", "harness plan sipe --seeds 5"]),
        ("", 5, [""]),
    ],
)
def test_text_wraps_at_spaces_and_commands_stay_whole(
    text: str, width: int, lines: list[str]
) -> None:
    assert wrapped(text, width) == lines
    assert hanging(text, width + 3, "x  ") == [
        ("x  " if not at else "   ") + line for at, line in enumerate(lines)
    ]


def test_a_pipe_gets_a_record_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    file = in_pipe(monkeypatch)
    rows = [("a", "x" * 200, "to do: a\nb"), ("b\tc", "", "done")]
    console.show_table("runs", ("name", "path", "state"), rows, optional=("path",))
    title, *records = file.getvalue().splitlines()
    assert title == "# runs"
    assert [line.split("\t") for line in records] == [
        ["name", "path", "state"],
        ["a", "x" * 200, "to do: a b"],
        ["b c", "", "done"],
    ]
    assert "\x1b" not in file.getvalue()


def test_a_pipe_gets_values_and_notes_unwrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    file = in_pipe(monkeypatch)
    console.show_values("in all", [("runs", "40, of many"), ("disk", "word " * 30)])
    console.show_notes(["note " * 30])
    lines = file.getvalue().splitlines()
    assert lines[:2] == ["# in all", "runs\t40, of many"]
    assert len(lines) == 4


def test_states_have_colours_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("x", "done"), ("y", "failed: killed"), ("z", "to do")]
    file = on_terminal(monkeypatch, 80)
    console.show_table("runs", ("name", "state"), rows)
    coloured = file.getvalue()
    assert "\x1b[32mdone" in coloured
    assert "\x1b[31mfailed: killed" in coloured
    assert re.search(r"z +to do", coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    file = on_terminal(monkeypatch, 80)
    console.show_table("runs", ("name", "state"), rows)
    plain = file.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", plain)
    assert [word in plain for word in ("done", "failed: killed", "to do")] == [True] * 3


def test_a_table_without_rows_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    file = on_terminal(monkeypatch, 80)
    console.show_table("runs", ("name", "state"), ())
    assert file.getvalue() == "runs: none\n"
    console.show_scores("scores", ())
    assert file.getvalue() == "runs: none\n"


def test_a_rule_between_sections_and_numbers_to_the_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = on_terminal(monkeypatch, 80, no_color=True)
    rows = [("a", "1", "18 GB"), ("b", "22", "≤4.5 GB"), ("c", "3", "-")]
    console.show_table("t", ("name", "count", "disk"), rows, sections=("x", "x", "y"))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()).splitlines()
    assert lines == [
        "t",
        "name  count     disk",
        "────────────────────",
        "a         1    18 GB",
        "b        22  ≤4.5 GB",
        "────────────────────",
        "c         3        -",
        "",
    ]
