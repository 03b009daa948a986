"""Id lists: bare ids, picture lines, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.plan.ids import parse_ids

IDS = st.lists(st.from_regex(r"[0-9]{4}_[0-9]{6}", fullmatch=True), unique=True)


@given(IDS)
def test_bare_ids_and_picture_lines_give_the_same(ids: list[str]) -> None:
    bare = "\n".join(ids)
    lines = "".join(f"/Pictures/{name}.jpg /Masks/{name}.png\n" for name in ids)
    assert parse_ids(bare) == parse_ids(lines) == tuple(ids)


def test_empty_lines_and_windows_line_ends_are_read() -> None:
    assert parse_ids("2007_000032\r\n\r\n2007_000039  \n") == ("2007_000032", "2007_000039")


def test_an_id_may_hold_a_dot() -> None:
    assert parse_ids("img.0001\nimg.0002.png\n") == ("img.0001", "img.0002")


@pytest.mark.parametrize("line", ["../../etc/passwd/..", ".jpg", "a\x00b", "/Pictures/ x.png"])
def test_what_cannot_be_a_file_name_is_refused_by_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2: expected an id"):
        parse_ids(f"2007_000032\n{line}\n")


def test_an_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="line 3: id a is already in line 1"):
        parse_ids("a\nb\na\n")
