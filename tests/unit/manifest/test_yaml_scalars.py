"""Unquoted scalars mean what the core schema of YAML 1.2 says, and nothing of YAML 1.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.manifest.yaml_scalars import plain_value

VALUES = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "0": 0, "-0": 0, "+12": 12, "017": 17, "-019": -19, "0o17": 15, "0x1F": 31,
    "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63),
    "1.": 1.0, ".5": 0.5, "-.5": -0.5, "1e3": 1000.0, "1E-3": 0.001, "+1.5e+2": 150.0,
    "1.5": 1.5, "0.1e0": 0.1,
}  # fmt: skip
TEXTS = (
    "yes", "no", "on", "off", "y", "n", "Yes", "NO", "On", "OFF", "nUll", "tRue", "none", "None",
    "190:20:30", "1:30", "20:30.5", "1_000", "0b101", "-0x1", "+0o7", "0O17", "0X1F", "0o8", "0xg",
    ".", "-", "+", "+-1", "1e", "e3", ".e3", "1.5.2", "1,5", "1 2", "--1", "-.nan", "+.nan",
    "inf", "nan", "Infinity", "2020-01-01", "=", "\u0661\u0662", "1\u00a0", "1\n",
)  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values(text: str, value: object) -> None:
    found = plain_value(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("text", TEXTS)
def test_all_else_is_text(text: str) -> None:
    assert plain_value(text) == text


@pytest.mark.parametrize(
    "text",
    [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e400", "-1e999999", str(2**63), str(-(2**63) - 1),
     "0x" + "f" * 17, "0o" + "7" * 22, "1" * 6000, "0x" + "1" * 6000, "1" * 6000 + ".5"],
)  # fmt: skip
def test_numbers_that_no_machine_holds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        plain_value(text)


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_are_read_back(number: int) -> None:
    assert plain_value(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back(number: float) -> None:
    assert plain_value(repr(number)) == number


@given(st.text())
def test_a_value_or_a_refusal(text: str) -> None:
    try:
        found = plain_value(text)
    except ValueError:
        return
    assert isinstance(found, str | int | float | bool | None)
    assert not isinstance(found, str) or found == text
