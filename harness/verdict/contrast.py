"""Two means and what their difference supports: sameness, difference, or neither.

All of it works on arrays too, so that a simulation judges with the code that judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, stdtr, stdtrit

from harness.verdict.spread import Summary

Reals = NDArray[np.float64]
Value = Reals | NDArray[np.int_] | float

LEVEL = 0.05
_NOISE = 1e-9  # points
_MOST_RUNS = 1e6  # of which one is the best: more is as good as never


@dataclass(frozen=True, slots=True)
class Contrast:
    """D = our mean − theirs in points, its standard error (≥ 0), and its degrees of freedom."""

    difference: Reals
    error: Reals
    freedom: Reals


def contrast(ours: Summary, theirs: Summary) -> Contrast | None:
    """The difference of two summaries; None where nothing tells how far our own runs scatter.

    If their spread is not printed, theirs is the mean of `n` runs that scatter as ours do. The
    interval of D is then the prediction interval of such a mean around ours: s · √(1/n + 1/runs),
    and s · √(1 + 1/n) for one run.
    """
    if ours.sd is None:
        return None
    if theirs.sd is None:
        return pooled(ours.mean - theirs.mean, ours.sd, ours.n, theirs.n)
    return welch(ours.mean - theirs.mean, ours.sd, ours.n, theirs.sd, theirs.n)


def welch(difference: Value, sd: Value, n: Value, other_sd: Value, other_n: Value) -> Contrast:
    """Welch's standard error and degrees of freedom, of means with spreads of their own.

    SE² = s²/n + s₀²/n₀,  ν = SE⁴ / [(s²/n)²/(n − 1) + (s₀²/n₀)²/(n₀ − 1)].
    Two spreads of 0 give SE = 0 and the degrees of freedom of both samples together.
    """
    size, size0 = np.asarray(n, dtype=float), np.asarray(other_n, dtype=float)
    part, part0 = _spread(sd) ** 2 / size, _spread(other_sd) ** 2 / size0
    total = part + part0
    share = np.divide(part, total, out=np.full_like(total, 0.5), where=total > 0)
    freedom = 1 / (share**2 / (size - 1) + (1 - share) ** 2 / (size0 - 1))
    freedom = np.where(total > 0, freedom, size + size0 - 2)
    return Contrast(np.asarray(difference, dtype=float), np.sqrt(total), freedom)


def pooled(difference: Value, sd: Value, n: Value, other_n: Value) -> Contrast:
    """The error of a difference where one spread, of `n` values, has to stand for both."""
    size = np.asarray(n, dtype=float)
    error = _spread(sd) * np.sqrt(1 / size + 1 / np.asarray(other_n, dtype=float))
    return Contrast(np.asarray(difference, dtype=float), error, size - 1)


def combined(parts: Sequence[tuple[float, Summary]]) -> Contrast:
    """The weighted sum of independent means, by Welch and Satterthwaite; every spread is known.

    With the weights 1 and −1 it is `welch`. If all spreads are 0, SE = 0 and ν = Σ (n − 1).
    """
    weights, means, spreads, sizes = (
        np.array(column, dtype=float)
        for column in zip(*((w, one.mean, one.sd, one.n) for w, one in parts), strict=True)
    )
    variances = (weights * _spread(spreads)) ** 2 / sizes
    total = variances.sum()
    freedom = total**2 / (variances**2 / (sizes - 1)).sum() if total > 0 else (sizes - 1).sum()
    difference = np.asarray((weights * means).sum())
    return Contrast(difference, np.asarray(np.sqrt(total)), np.asarray(freedom))


def moved(found: Contrast, half: Value) -> Contrast:
    """The same with D moved by `half` towards 0, which rounding may have moved it away."""
    size = np.maximum(np.abs(found.difference) - half, 0.0)
    return Contrast(np.sign(found.difference) * size, found.error, found.freedom)


def p_equivalent(found: Contrast, delta: Value) -> Reals:
    """P value of TOST, two one-sided tests: below 0.05, |D| < δ is shown (Schuirmann 1987)."""
    lower, upper = np.asarray(found.difference + delta), np.asarray(found.difference - delta)
    outside = np.maximum(_tail(lower, found), _tail(-upper, found))
    return np.where(found.error > 0, outside, np.where(np.abs(found.difference) < delta, 0.0, 1.0))


def p_different(found: Contrast) -> Reals:
    """Two-sided p value of D = 0."""
    both = 2 * _tail(np.abs(found.difference), found)
    return np.where(found.error > 0, both, np.where(found.difference == 0, 1.0, 0.0))


def p_greater(found: Contrast) -> Reals:
    """One-sided p value: below 0.05, D > 0 is shown."""
    exact = np.where(found.difference > 0, 0.0, 1.0)
    return np.where(found.error > 0, _tail(found.difference, found), exact)


def interval(found: Contrast, level: float = 1 - LEVEL) -> tuple[Reals, Reals]:
    """The confidence interval of D."""
    half = reach(found, level)
    return found.difference - half, found.difference + half


def reach(found: Contrast, level: float = 1 - LEVEL) -> Reals:
    """Half the width of the confidence interval of D."""
    quantile: Reals = stdtrit(found.freedom, (1 + level) / 2)
    return quantile * found.error


def is_beyond(found: Contrast, delta: Value) -> NDArray[np.bool_]:
    """Whether the 95 % interval of D and [−δ, δ] have nothing in common."""
    return np.asarray(np.abs(found.difference) - reach(found) > delta)


def holm(p_values: Value) -> Reals:
    """P values adjusted for their number (Holm 1979); along the last axis, a table each."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, axis=-1)
    steps = np.take_along_axis(p, order, -1) * np.arange(p.shape[-1], 0, -1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(steps, axis=-1), -1)
    return np.asarray(np.minimum(adjusted, 1.0))


def best_of(value: float, runs: Summary) -> float | None:
    """The k at which the best of k such runs reaches `value` with probability ½; at least 1.

    k = ln ½ / ln Φ((value − mean) / sd). None where not even a million runs do, or nothing tells.
    """
    if runs.sd is None:
        return None
    if runs.sd == 0:
        return 1.0 if value <= runs.mean else None
    log_below: Any = log_ndtr((value - runs.mean) / runs.sd)
    k = np.log(0.5) / log_below if log_below < 0 else np.inf
    return max(1.0, float(k)) if k <= _MOST_RUNS else None


def _spread(sd: Value) -> Reals:
    """A spread, or 0 where it is the noise of computing one: that of equal values is."""
    spread = np.asarray(sd, dtype=float)
    return np.where(spread > _NOISE, spread, 0.0)


def _tail(distance: Reals, found: Contrast) -> Reals:
    """P(T ≥ distance / SE); where SE is 0 the callers have an exact answer."""
    error = np.where(found.error > 0, found.error, 1.0)
    return np.asarray(stdtr(found.freedom, -distance / error))
