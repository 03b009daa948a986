"""What seeds can settle; the figures beside are simulated ones (docs/statistics.md)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.verdict.contrast import pooled, welch
from harness.verdict.power import ENOUGH, MOST_SEEDS, power, seeds_needed
from harness.verdict.spread import Summary


@pytest.mark.parametrize(
    ("ratio", "own", "simulated"),
    [
        (1.0, 5, 0.06), (1.0, 50, 0.28), (1.5, 5, 0.39), (1.5, 50, 0.73),
        (2.0, 5, 0.76), (2.0, 8, 0.88), (2.0, 50, 0.94), (3.0, 5, 0.99),
    ],
)  # fmt: skip
def test_power_by_the_ratio_of_margin_and_spread(ratio: float, own: int, simulated: float) -> None:
    assert float(power(welch(0.0, 1.0, own, 1.0, 5), ratio)) == pytest.approx(simulated, abs=0.03)


def test_power_without_spread_is_certain() -> None:
    assert float(power(welch(0.0, 0.0, 5, 0.0, 5), 0.45)) == 1.0
    assert float(power(welch(0.0, 0.0, 5, 0.0, 5), 0.0)) == 0.0


def test_power_of_many_at_once() -> None:
    many = power(welch(0.0, 0.5, np.array([3, 5, 8]), 0.5, 5), 1.0)
    assert many == pytest.approx([float(power(welch(0.0, 0.5, n, 0.5, 5), 1.0)) for n in (3, 5, 8)])


@given(st.floats(0.05, 2), st.floats(0.3, 1), st.integers(2, 20))
def test_the_seeds_needed_are_enough_and_one_less_is_not(sd: float, delta: float, n: int) -> None:
    found = seeds_needed(Summary(67.0, sd, n), delta)
    if found is None:
        assert float(power(welch(0.0, sd, MOST_SEEDS, sd, n), delta)) < ENOUGH
        return
    assert float(power(welch(0.0, sd, found, sd, n), delta)) >= ENOUGH
    assert found == 2 or float(power(welch(0.0, sd, found - 1, sd, n), delta)) < ENOUGH


def test_no_number_of_seeds_settles_a_cell_whose_published_mean_is_too_uncertain() -> None:
    assert seeds_needed(Summary(0.0, 1.0, 5), 1.55) is None
    assert seeds_needed(Summary(0.0, 1.0, 5), 1.65) is not None


def test_a_number_without_spread_is_settled_by_the_spread_of_ours() -> None:
    assert seeds_needed(Summary(67.0, None, 5), 0.45) is None
    found = seeds_needed(Summary(67.0, None, 5), 0.45, sd=0.3)
    assert found is not None
    assert float(power(pooled(0.0, 0.3, found, 5), 0.45)) >= ENOUGH
