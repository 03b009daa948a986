"""The margin δ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.verdict.margin import Margin, margin


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (None, Margin(1.0)),  # a baseline
        (0.0, Margin(0.5, is_floor=True)),
        (0.9, Margin(0.5, is_floor=True)),
        (1.0, Margin(0.5)),  # just half the gain
        (68.5 - 67.5, Margin(0.5)),
        (43.3 - 41.9, Margin(0.7)),  # 1.3999999999999986
        (-1.4, Margin(0.7)),
        (2.0, Margin(1.0)),
        (3.6, Margin(1.0)),
    ],
)
def test_half_the_gain_between_floor_and_ceiling(gain: float | None, expected: Margin) -> None:
    assert margin(gain) == expected


@given(st.floats(-100, 100))
def test_the_margin_is_within_its_bounds_and_blind_to_the_sign(gain: float) -> None:
    found = margin(gain)
    assert 0.5 <= found.delta <= 1.0
    assert found == margin(-gain)
    assert not found.is_floor or found.delta == 0.5
