"""What a printed spread stands for."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.verdict.spread import Summary, half_unit, sample_sd, summarise

SCORES = st.floats(0, 100)


@pytest.mark.parametrize(
    ("kind", "runs", "ddof", "sd"),
    [
        ("sd", 5, 0, 0.5 * math.sqrt(5 / 4)),  # 1.118 times
        ("sd", 5, None, 0.5 * math.sqrt(5 / 4)),  # the cautious reading
        ("sd", 5, 1, 0.5),
        ("sd", 2, 0, 0.5 * math.sqrt(2)),
        ("sem", 5, None, 0.5 * math.sqrt(5)),
        ("ci95", 5, None, 0.5 * math.sqrt(5) / 2.7764),  # t(0.975, 4)
        ("range", 5, None, 0.5 / 2.3259),  # d2 of control charts
        ("range", 2, None, 0.5 / (2 / math.sqrt(math.pi))),  # mean of |X − Y|
    ],
)
def test_spreads_become_sample_standard_deviations(
    kind: str, runs: int, ddof: int | None, sd: float
) -> None:
    assert sample_sd(0.5, kind, runs, ddof) == pytest.approx(sd, rel=1e-4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spread", "kind", "runs"),
    [(None, "sd", 5), (0.5, "none", 5), (0.5, None, 5), (0.5, "sd", None), (0.5, "sd", 1)],
)
def test_what_is_not_printed_is_no_spread(spread: float, kind: str, runs: int) -> None:
    assert sample_sd(spread, kind, runs) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("spread", [-0.1, math.nan, math.inf])
def test_what_cannot_be_a_spread_is_refused(spread: float) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        sample_sd(spread, "sd", 5)


def test_a_spread_of_zero_stays_zero() -> None:
    kinds = ("sd", "sem", "ci95", "range")
    assert [sample_sd(0.0, kind, 5) for kind in kinds] == [0.0] * 4  # type: ignore[arg-type]


@given(st.lists(SCORES, min_size=2, max_size=9))
def test_ddof_0_becomes_ddof_1(values: list[float]) -> None:
    population = statistics.pstdev(values)
    found = sample_sd(population, "sd", len(values), 0)
    assert found == pytest.approx(statistics.stdev(values), abs=1e-9)


@given(st.lists(SCORES, min_size=2, max_size=9))
def test_a_summary_is_mean_and_sample_deviation(values: list[float]) -> None:
    found = summarise(values)
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.sd == pytest.approx(float(np.std(values, ddof=1)), abs=1e-9)
    assert found.n == len(values)


def test_one_value_has_no_spread() -> None:
    assert summarise([67.5]) == Summary(67.5, None, 1)


@pytest.mark.parametrize("values", [[], [60.0, math.nan], [math.inf, 60.0]])
def test_no_value_and_no_number_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        summarise(values)


@pytest.mark.parametrize(("decimals", "half"), [(0, 0.5), (1, 0.05), (2, 0.005)])
def test_rounding_hides_half_a_unit(decimals: int, half: float) -> None:
    assert half_unit(decimals) == pytest.approx(half)
