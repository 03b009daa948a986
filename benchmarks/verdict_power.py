"""How often verdicts are wrong, and how often they say anything: drawn papers, judged as ours.

Each draw is a paper of five seeds, whose mean and ± (ddof 0) are rounded to one decimal, and our
seeds beside it. Both are normal with the same spread. The code that judges is the real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.layout import ProjectLayout
from harness.manifest.load import load_published
from harness.manifest.paper import Number, Published
from harness.verdict.cells import is_reported, margin_of, why_not_judged
from harness.verdict.contrast import (
    LEVEL,
    Contrast,
    holm,
    is_beyond,
    moved,
    p_different,
    p_equivalent,
    p_greater,
    pooled,
    welch,
)
from harness.verdict.power import power
from harness.verdict.spread import half_unit, sample_sd

SEED = 2024
DRAWS = 100_000
PAPER_SEEDS = 5
DECIMALS = 1
HALF = half_unit(DECIMALS)
SPREADS = (0.1, 0.2, 0.3, 0.5, 0.8, 1.2)

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """Many papers and as many of our samples; the true difference of the means is `shift`."""

    difference: Reals
    ours_sd: Reals
    printed: Reals  # the paper's ±, as rounded
    own: int

    def contrast(self, ddof: int = 0) -> Contrast:
        """By the printed spread, read with `ddof`."""
        factor = sample_sd(1.0, "sd", PAPER_SEEDS, ddof) or 1.0
        return welch(self.difference, self.ours_sd, self.own, factor * self.printed, PAPER_SEEDS)

    def without_spread(self) -> Contrast:
        """As if the paper had printed the mean alone, as Table 7 does."""
        return pooled(self.difference, self.ours_sd, self.own, PAPER_SEEDS)


def cells(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Rates of the verdicts of one cell, by spread, margin, own seeds and true difference."""
    random = np.random.default_rng(SEED)
    draws = DRAWS // 20 if quick else DRAWS
    for delta in (0.5, 1.0):
        for own in (3, 5, 8, 20):
            for sd in SPREADS:
                same = draw(random, draws, sd, own, 0.0)
                edge = draw(random, draws, sd, own, delta)
                far = draw(random, draws, sd, own, 2.0)
                yield {
                    "draws": draws,
                    "delta": delta,
                    "own": own,
                    "sd": sd,
                    "reproduced_at_0": _rate(reproduced(same.contrast(), delta)),
                    "computed": float(power(_expected(sd, own), delta - HALF)),
                    "reproduced_at_delta": _rate(reproduced(edge.contrast(), delta)),
                    "without_spread_at_delta": _rate(reproduced(edge.without_spread(), delta)),
                    "ddof_1_at_delta": _rate(reproduced(edge.contrast(ddof=1), delta)),
                    "not_reproduced_at_0": _rate(refuted(same.contrast(), delta)),
                    "not_reproduced_at_2": _rate(refuted(far.contrast(), delta)),
                    "gain_at_0": _rate(gains(random, draws, sd, own)),
                }


def tables(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Rates of the verdicts of Table 6 as a whole: its 36 judged cells with their own spreads."""
    random = np.random.default_rng(SEED)
    draws = DRAWS // 50 if quick else DRAWS // 5
    published = load_published(ProjectLayout(Path(__file__).resolve().parents[1]))
    numbers = [one for one in published.numbers if one.table == 6 and _is_judged(published, one)]
    for what, share in (("no difference", 0.0), ("each cell off by δ", 1.0)):
        yield _table(random, draws, published, numbers, what, share)


def draw(random: np.random.Generator, draws: int, sd: float, own: int, shift: float) -> Drawn:
    """Papers, rounded as they print, and our means and sample deviations beside them."""
    theirs = random.normal(50.0, sd, (draws, PAPER_SEEDS))
    ours = random.normal(50.0 + shift, sd, (draws, own))
    mean = np.round(theirs.mean(axis=1), DECIMALS)
    printed = np.round(theirs.std(axis=1), DECIMALS)
    return Drawn(ours.mean(axis=1) - mean, ours.std(axis=1, ddof=1), printed, own)


def reproduced(found: Contrast, delta: float) -> NDArray[np.bool_]:
    """Whether TOST passes."""
    return p_equivalent(found, delta - HALF) < LEVEL


def refuted(found: Contrast, delta: float) -> NDArray[np.bool_]:
    """Whether one cell that is judged alone is NOT REPRODUCED."""
    closer = moved(found, HALF)
    return (p_different(closer) < LEVEL) & is_beyond(closer, delta) & ~reproduced(found, delta)


def gains(random: np.random.Generator, draws: int, sd: float, own: int) -> NDArray[np.bool_]:
    """Whether a loss that changes nothing is said to gain."""
    with_, without = (random.normal(50.0, sd, (draws, own)) for _ in range(2))
    spreads = (arm.std(axis=1, ddof=1) for arm in (with_, without))
    first, second = spreads
    found = welch(with_.mean(axis=1) - without.mean(axis=1), first, own, second, own)
    return p_greater(found) < LEVEL


def _table(
    random: np.random.Generator,
    draws: int,
    published: Published,
    numbers: list[Number],
    what: str,
    share: float,
) -> dict[str, Any]:
    """One true state of all cells; `share` of δ is how far each of ours is off."""
    differs, beyond, same = (np.empty((draws, len(numbers))) for _ in range(3))
    for column, number in enumerate(numbers):
        delta = margin_of(published, number).delta
        found = draw(random, draws, number.spread or 0.0, PAPER_SEEDS, share * delta).contrast()
        closer = moved(found, HALF)
        differs[:, column] = p_different(closer)
        beyond[:, column] = is_beyond(closer, delta)
        same[:, column] = reproduced(found, delta)
    wrong = (holm(differs) < LEVEL) & (beyond > 0) & (same == 0)
    return {
        "what": what,
        "draws": draws,
        "cells": len(numbers),
        "any_not_reproduced": _rate(wrong.any(axis=1)),
        "any_different_by_holm": _rate((holm(differs) < LEVEL).any(axis=1)),
        "any_different_without_holm": _rate((differs < LEVEL).any(axis=1)),
        "cells_reproduced": float(same.sum(axis=1).mean()),
        "all_reproduced": _rate(same.all(axis=1)),
    }


def _expected(sd: float, own: int) -> Contrast:
    """The contrast of a paper that prints just what it drew from."""
    return welch(0.0, sd, own, sd, PAPER_SEEDS)


def _is_judged(published: Published, number: Number) -> bool:
    return not is_reported(number) and why_not_judged(published, number) is None


def _rate(found: NDArray[np.bool_]) -> float:
    return float(found.mean())
