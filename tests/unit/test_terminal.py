"""Untrusted text does nothing to a terminal but be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.terminal import readable, readable_pieces

HOSTILE = (
    ("\x1b[1;31mred\x1b[0m", "red"),
    ("\x1b[2J\x1b[H\x1b[?1049hgone", "gone"),
    ("\x1b]0;title\x07text", "text"),
    ("\x1b]8;;https://x.example\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x1b]52;c;cm0gLXJm\x07copied", "copied"),
    ("\x9b31mC1\x9d0;title\x9c", "C1"),
    ("\x1bP1$r0m\x1b\\dcs\x1b_apc\x1b\\\x1b^pm\x1b\\", "dcs"),
    ("\x1b(0charset\x1bc", "charset"),
    ("50%\r100%\r\nnext", "50%\n100%\nnext"),
    ("bell\x07 back\x08\x08 null\x00", "bell\\x07 back\\x08\\x08 null\\x00"),
    ("user\u202egnp.exe\u2066", "user\\u202egnp.exe\\u2066"),
    ("\u200bzero\ufeff width\u2028line", "\\u200bzero\\ufeff width\\u2028line"),
    ("half \udce9 a name", "half \\udce9 a name"),
    ("\x1b]52;never ends\nand a line", "\\x1b]52;never ends\nand a line"),
    ("\x1b", "\\x1b"),
    ("plain é 漢字 ±\ttab\n", "plain é 漢字 ±\ttab\n"),
)


@pytest.mark.parametrize(("hostile", "shown"), HOSTILE)
def test_sequences_go_and_the_text_stays(hostile: str, shown: str) -> None:
    assert readable(hostile) == shown


@pytest.mark.parametrize("cut", [1, 2, 3, 7])
def test_a_sequence_cut_in_two_is_taken_out_too(cut: int) -> None:
    text = "\n".join(hostile for hostile, _ in HOSTILE)
    pieces = (text[start : start + cut] for start in range(0, len(text), cut))
    assert "".join(readable_pieces(pieces)) == readable(text)


def test_a_sequence_without_end_is_not_waited_for() -> None:
    pieces = ["\x1b]" + "a" * 10_000, "b" * 10_000, "\nlast"]
    shown = list(readable_pieces(pieces))
    assert len(shown[0]) > 9000
    assert "".join(shown) == "\\x1b]" + "a" * 10_000 + "b" * 10_000 + "\nlast"


@given(st.text(alphabet=st.sampled_from("\x1b[]0;m\\\x07\x9b\x9d\x9c\r\nPa\x00\u202e\ud800")))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = readable(text)
    assert not set(shown) & set("\x1b\x07\x9b\x9c\x9d\r\x00\u202e\ud800")
    assert readable(shown) == shown
