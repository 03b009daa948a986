"""Means and spreads: what a printed ± stands for, and what our own seeds give.

Every spread becomes a sample standard deviation (ddof 1), the one that the tests need.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, stdtrit

Kind = Literal["sd", "sem", "ci95", "range", "none"]

_TAIL = 8.0  # standard deviations; beyond it no sample of any size we meet has its extremes
_GRID = 4001


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean in percent, sample standard deviation (ddof 1; None: not known), number of values."""

    mean: float
    sd: float | None
    n: int


def summarise(values: Iterable[float]) -> Summary:
    """The summary of our own values; one value has no spread.

    Raises ValueError if there is none, or one is not finite: such a value never enters a mean.
    """
    numbers = [float(value) for value in values]
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError(f"expected finite scores, at least one; found {numbers}")
    mean = math.fsum(numbers) / len(numbers)
    if len(numbers) == 1:
        return Summary(mean, None, 1)
    squares = math.fsum((number - mean) ** 2 for number in numbers)
    return Summary(mean, math.sqrt(squares / (len(numbers) - 1)), len(numbers))


def sample_sd(
    spread: float | None, kind: Kind | None, runs: int | None, ddof: int | None = 0
) -> float | None:
    """The sample standard deviation behind a printed spread of `runs` runs.

    `sd` with ddof 0 grows by √(n / (n − 1)), 1.118 at five runs; ddof None is read as 0, which is
    the cautious reading in both tests. `sem` is s / √n; `ci95` half the 95 % interval of the mean,
    t(0.975, n − 1) · s / √n; `range` the distance of the extremes, of which the expectation is
    known. None where nothing is printed, or one run, which has no spread.

    Raises ValueError for a spread that is negative or not finite.
    """
    if spread is None or kind in {None, "none"} or runs is None or runs == 1:
        return None
    if not (math.isfinite(spread) and spread >= 0):
        raise ValueError(f"expected a spread of at least 0, found {spread}")
    if kind == "sem":
        return spread * math.sqrt(runs)
    if kind == "ci95":
        return spread * math.sqrt(runs) / float(stdtrit(runs - 1, 0.975))
    if kind == "range":
        return spread / _expected_range(runs)
    return spread if ddof == 1 else spread * math.sqrt(runs / (runs - 1))


def half_unit(decimals: int) -> float:
    """How far a printed number may be from the one that was rounded: 0.05 at one decimal."""
    return 10.0**-decimals / 2


def _expected_range(n: int) -> float:
    """Mean distance of the extremes of `n` standard normal values: ∫ 1 − Φⁿ − (1 − Φ)ⁿ."""
    x = np.linspace(-_TAIL, _TAIL, _GRID)
    inner = 1 - ndtr(x) ** n - ndtr(-x) ** n
    return float(np.trapezoid(inner, x))
