"""Pauses are cut out of a time axis; nothing else changes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.idle import without_pauses

SPANS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(1, 500)).map(lambda one: (one[0], sum(one))),
    min_size=1,
    max_size=12,
)


@given(SPANS)
def test_order_stays_and_work_keeps_its_length(spans: list[tuple[float, float]]) -> None:
    axis = without_pauses(spans)
    instants = sorted({instant for span in spans for instant in span})
    places = [axis.place(instant) for instant in instants]
    assert places[0] == 0
    assert all(right >= left - 1e-9 for left, right in pairwise(places))
    for start, end in spans:
        assert axis.place(end) - axis.place(start) == pytest.approx(end - start)


def test_a_long_pause_becomes_a_twentieth_of_the_work() -> None:
    axis = without_pauses([(0, 60), (40, 100), (1_000_100, 1_000_200)])
    assert axis.place(1_000_100) == pytest.approx(110)
    assert axis.place(1_000_200) == pytest.approx(210)
    assert axis.cuts == pytest.approx((105,))
