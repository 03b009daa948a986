"""What seeds can settle: asked before GPU-days are spent, and of every open cell afterwards."""

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
    mean itself is not known well enough: from δ < 1.5 s on, with five published runs.
    """
    own = theirs.sd if sd is None else sd
    if own is None:
        return None
    n = np.arange(2, MOST_SEEDS + 1)
    if theirs.sd is None:
        found = pooled(0.0, own, n, theirs.n)
    else:
        found = welch(0.0, own, n, theirs.sd, theirs.n)
    enough = np.flatnonzero(np.broadcast_to(power(found, delta) >= ENOUGH, n.shape))
    return int(n[enough[0]]) if enough.size else None
