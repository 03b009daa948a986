"""Where a gap opens along a chain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tables.stages import opens_at

GAPS = st.lists(st.none() | st.floats(-50, 50), max_size=5)


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([None, None, -2.0], (2, False)),  # it may have opened before: nobody knows
        ([0.2, None, -2.0], (2, False)),
        ([0.2, 0.4, -2.0], (2, True)),
        ([1.5, 0.0, -2.0], (0, True)),
        ([None, None, 1.0], None),  # not beyond
        ([None, None, None], None),
        ([], None),
    ],
)
def test_the_first_stage_beyond(gaps: list[float | None], expected: object) -> None:
    assert opens_at(gaps, 1.0) == expected


@given(GAPS, st.floats(0.1, 5))
def test_nothing_before_is_beyond(gaps: list[float | None], delta: float) -> None:
    found = opens_at(gaps, delta)
    beyond = [gap is not None and abs(gap) > delta for gap in gaps]
    assert (found is not None) == any(beyond)
    if found is not None:
        assert beyond.index(True) == found[0]
