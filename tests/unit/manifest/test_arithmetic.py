"""Expressions of whole numbers in manifests."""

import pytest

from harness.manifest.arithmetic import whole_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", 7), ("5 * (10582 // 16)", 3305), ("2 + 3 * 4 - 1", 13), ("0", 0)],
)
def test_a_number(text: str, expected: int) -> None:
    assert whole_number(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "1.5", "1 / 2", "2 ** 9", "-1", "1 - 2", "1 // 0", "True", "f(1)", "[1]", "1 1",
        "__import__('os')", "(" * 150 + "1", "1+" * 150 + "1", "'7'",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="found"):
        whole_number(text)
