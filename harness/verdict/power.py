"""What seeds can settle: asked before GPU-days are spent, and of every open cell afterwards."""

import bisect

import numpy as np
from scipy.special import gammaincinv, ndtr, stdtrit

from harness.verdict.contrast import LEVEL, Contrast, Reals, Value, pooled, welch
from harness.verdict.spread import Summary

ENOUGH = 0.8  # a cell counts as settled by n seeds if TOST passes this often where D is 0
MOST_SEEDS = 1000  # more is as good as never
_SHARES = (np.arange(200) + 0.5) / 200  # over which the error is averaged


def power(found: Contrast, delta: Value) -> Reals:
    """How often TOST passes if there is no difference, with the standard error of `found`.

    The mean of 2 Φ(δ / SE − t(0.95, ν) · √(χ² / ν)) − 1, at least 0, over the χ² with ν degrees of
    freedom that an estimated error follows. docs/statistics.md compares it with the simulation.
    """
    error = np.where(found.error > 0, found.error, 1.0)[..., None]
    freedom = found.freedom[..., None]
    scatter = np.sqrt(2 * gammaincinv(freedom / 2, _SHARES) / freedom)
    room = np.asarray(delta)[..., None] / error - stdtrit(freedom, 1 - LEVEL) * scatter
    passes = np.maximum(2 * ndtr(room) - 1, 0.0).mean(axis=-1)
    return np.where(found.error > 0, passes, np.asarray(delta) > 0)


def seeds_needed(theirs: Summary, delta: float, sd: float | None = None) -> int | None:
    """How many seeds of ours settle a cell; None if no number does, up to `MOST_SEEDS`.

    Our runs scatter with `sd`, by default as theirs do. No number suffices where the published
    mean itself is not known well enough: below δ = 1.6 s, with five published runs.
    """
    own = theirs.sd if sd is None else sd
    if own is None:
        return None

    def settles(n: int) -> bool:
        found = (
            pooled(0.0, own, n, theirs.n)
            if theirs.sd is None
            else welch(0.0, own, n, theirs.sd, theirs.n)
        )
        return bool(power(found, delta) >= ENOUGH)

    sizes = range(2, MOST_SEEDS + 1)
    first = bisect.bisect_left(sizes, True, key=settles)  # noqa: FBT003 - power grows with n
    return sizes[first] if first < len(sizes) else None
