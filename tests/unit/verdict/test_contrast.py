"""Tests of sameness and difference: against scipy's own, and where nothing scatters."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from harness.verdict.contrast import (
    Contrast,
    best_of,
    combined,
    contrast,
    holm,
    interval,
    is_beyond,
    moved,
    p_different,
    p_equivalent,
    p_greater,
    welch,
)
from harness.verdict.spread import Summary

MEANS = st.floats(0, 100)
SPREADS = st.floats(1e-3, 10)
SIZES = st.integers(2, 50)
SUMMARIES = st.builds(Summary, MEANS, SPREADS, SIZES)
ANY_SUMMARIES = st.builds(Summary, MEANS, st.just(0.0) | st.floats(0, 1e-6) | SPREADS, SIZES)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def difference(ours: Summary, theirs: Summary) -> Contrast:
    found = contrast(ours, theirs)
    assert found is not None
    return found


def scipy_test(ours: Summary, theirs: Summary, shift: float, alternative: str) -> float:
    result = stats.ttest_ind_from_stats(
        ours.mean + shift, ours.sd, ours.n, theirs.mean, theirs.sd, theirs.n,
        equal_var=False, alternative=alternative,
    )  # fmt: skip
    return float(result.pvalue)


@given(SUMMARIES, SUMMARIES, st.floats(0.01, 5))
def test_the_tests_are_those_of_scipy(ours: Summary, theirs: Summary, delta: float) -> None:
    found = difference(ours, theirs)
    same = max(scipy_test(ours, theirs, delta, "greater"), scipy_test(ours, theirs, -delta, "less"))
    assert float(p_equivalent(found, delta)) == pytest.approx(same, rel=1e-6, abs=1e-12)
    two_sided = scipy_test(ours, theirs, 0.0, "two-sided")
    assert float(p_different(found)) == pytest.approx(two_sided, rel=1e-6, abs=1e-12)
    above = scipy_test(ours, theirs, 0.0, "greater")
    assert float(p_greater(found)) == pytest.approx(above, rel=1e-6, abs=1e-12)


@given(SUMMARIES, SUMMARIES, st.floats(0.01, 5))
def test_equivalence_is_the_90_percent_interval_within_the_margin(
    ours: Summary, theirs: Summary, delta: float
) -> None:
    found = difference(ours, theirs)
    low, high = (float(end) for end in interval(found, 0.90))
    assume(min(abs(low + delta), abs(high - delta)) > 1e-9)
    assert (float(p_equivalent(found, delta)) < 0.05) == (-delta < low and high < delta)


@given(SUMMARIES, SUMMARIES, st.floats(0.01, 5))
def test_nothing_is_both_equivalent_and_beyond(
    ours: Summary, theirs: Summary, delta: float
) -> None:
    found = difference(ours, theirs)
    assert not (p_equivalent(found, delta) < 0.05 and is_beyond(found, delta))


@given(ANY_SUMMARIES, ANY_SUMMARIES, st.floats(0, 5))
def test_every_answer_is_a_number(ours: Summary, theirs: Summary, delta: float) -> None:
    found = moved(difference(ours, theirs), 0.05)
    for p in (p_equivalent(found, delta), p_different(found), p_greater(found)):
        assert 0 <= float(p) <= 1
    low, high = interval(found)
    assert float(low) <= float(found.difference) <= float(high)
    assert math.isfinite(float(found.freedom))
    assert float(found.freedom) > 0


@given(ANY_SUMMARIES, ANY_SUMMARIES)
def test_the_order_of_the_two_only_turns_the_sign(ours: Summary, theirs: Summary) -> None:
    there, back = difference(ours, theirs), difference(theirs, ours)
    assert float(there.difference) == -float(back.difference)
    assert float(there.error) == pytest.approx(float(back.error))
    assert float(p_different(there)) == pytest.approx(float(p_different(back)))


@pytest.mark.parametrize(
    ("d", "equivalent", "differs", "greater"),
    [(0.0, 0.0, 1.0, 1.0), (0.3, 0.0, 0.0, 0.0), (-0.3, 0.0, 0.0, 1.0), (0.5, 1.0, 0.0, 0.0)],
)
def test_without_any_spread_the_difference_is_known(
    d: float, equivalent: float, differs: float, greater: float
) -> None:
    found = welch(d, 0.0, 5, 0.0, 5)
    assert (float(p_equivalent(found, 0.5)), float(p_different(found))) == (equivalent, differs)
    assert float(p_greater(found)) == greater
    assert [float(end) for end in interval(found)] == [d, d]
    assert bool(is_beyond(found, 0.2)) == (abs(d) > 0.2)


def test_one_spread_of_zero_leaves_the_freedom_of_the_other() -> None:
    assert float(welch(0.0, 0.0, 5, 0.3, 8).freedom) == pytest.approx(7)
    assert float(welch(0.0, 0.3, 5, 0.0, 8).freedom) == pytest.approx(4)


def test_one_run_of_ours_tells_nothing() -> None:
    assert contrast(Summary(67.0, None, 1), Summary(67.5, 1.7, 5)) is None


@pytest.mark.parametrize(
    ("runs", "factor"),
    [(1, 3.041), (5, 1.756)],  # of a new run, of a new mean of five: t(0.975, 4) √(1/5 + 1/runs)
)
def test_a_number_without_spread_has_a_prediction_interval(runs: int, factor: float) -> None:
    low, high = interval(difference(Summary(67.0, 0.5, 5), Summary(68.0, None, runs)))
    assert float(low) == pytest.approx(-1.0 - factor * 0.5, abs=1e-3)
    assert float(high) == pytest.approx(-1.0 + factor * 0.5, abs=1e-3)


@given(SUMMARIES, SUMMARIES, st.floats(0, 1))
def test_rounding_moves_a_difference_towards_zero_and_not_past_it(
    ours: Summary, theirs: Summary, half: float
) -> None:
    found = difference(ours, theirs)
    after = moved(found, half)
    assert abs(float(after.difference)) == pytest.approx(
        max(abs(float(found.difference)) - half, 0), abs=1e-9
    )
    assert float(after.difference) * float(found.difference) >= 0
    assert float(p_different(after)) >= float(p_different(found)) - 1e-12


@given(SUMMARIES, SUMMARIES)
def test_a_sum_with_weights_one_and_minus_one_is_welch(ours: Summary, theirs: Summary) -> None:
    found, plain = combined([(1, ours), (-1, theirs)]), difference(ours, theirs)
    for name in ("difference", "error", "freedom"):
        expected = float(getattr(plain, name))
        assert float(getattr(found, name)) == pytest.approx(expected, abs=1e-9)


def test_a_sum_without_any_spread_has_no_error() -> None:
    found = combined([(0.5, Summary(67.0, 0.0, 5)), (-0.5, Summary(66.0, 0.0, 4))])
    assert (float(found.difference), float(found.error), float(found.freedom)) == (0.5, 0.0, 7.0)


def test_holm_by_hand() -> None:
    # 4 · 0.01, 3 · 0.012 (not below the one before), 2 · 0.03, 1 · 0.9
    assert holm(np.array([0.03, 0.01, 0.9, 0.012])) == pytest.approx([0.06, 0.04, 0.9, 0.04])


@given(P_VALUES)
def test_holm_keeps_order_and_lies_between_the_raw_and_bonferroni(values: list[float]) -> None:
    raw = np.array(values)
    adjusted = holm(raw)
    assert np.all(adjusted >= raw)
    assert np.all(adjusted <= np.minimum(raw * len(values), 1) + 1e-15)
    assert np.all(np.diff(adjusted[np.argsort(raw, kind="stable")]) >= 0)


def test_holm_takes_a_table_a_line() -> None:
    tables = np.array([[0.01, 0.5], [0.04, 0.03]])
    assert holm(tables) == pytest.approx(np.array([holm(tables[0]), holm(tables[1])]))


@pytest.mark.parametrize(
    ("value", "runs", "k"),
    [
        (71.9, Summary(67.5, 1.7, 5), 143.4),  # MCTformer
        (67.5, Summary(67.5, 1.7, 5), 1.0),  # its mean: one run in two
        (60.0, Summary(67.5, 1.7, 5), 1.0),
        (67.5, Summary(67.5, 0.0, 5), 1.0),
        (67.6, Summary(67.5, 0.0, 5), None),
        (99.0, Summary(67.5, 0.1, 5), None),
        (68.0, Summary(67.5, None, 1), None),
    ],
)
def test_of_how_many_runs_a_number_is_the_best(
    value: float, runs: Summary, k: float | None
) -> None:
    found = best_of(value, runs)
    assert found == (k if k is None else pytest.approx(k, abs=0.05))
