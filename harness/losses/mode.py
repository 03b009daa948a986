"""Which form of the losses runs, read from the environment."""

from __future__ import annotations

import os

MODES = ("exact", "reference")


def losses_mode() -> str:
    """Return ``exact`` or ``reference`` from HARNESS_LOSSES_MODE (default ``exact``).

    Raises ValueError for any other value.
    """
    mode = os.environ.get("HARNESS_LOSSES_MODE") or "exact"
    if mode not in MODES:
        msg = f"HARNESS_LOSSES_MODE is {mode!r}; expected one of {', '.join(MODES)}"
        raise ValueError(msg)
    return mode


def losses_seed() -> int:
    """Return the seed of ISL's own generator from HARNESS_SEED (default 0).

    Raises ValueError when the variable is not a whole number.
    """
    text = os.environ.get("HARNESS_SEED") or "0"
    try:
        return int(text)
    except ValueError:
        msg = f"HARNESS_SEED is {text!r}; expected a whole number"
        raise ValueError(msg) from None
