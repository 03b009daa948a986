"""The implementation of the losses and the seed of ISL, read from environment variables."""

from __future__ import annotations

import os

MODES = ("exact", "reference")


def losses_mode() -> str:
    """Return the value of HARNESS_LOSSES_MODE: ``exact`` (default) or ``reference``.

    Raises ValueError for any other value.
    """
    mode = os.environ.get("HARNESS_LOSSES_MODE") or "exact"
    if mode not in MODES:
        msg = f"HARNESS_LOSSES_MODE is {mode!r}; expected one of {', '.join(MODES)}"
        raise ValueError(msg)
    return mode


def losses_seed() -> int:
    """Return the seed of ISL's own generator: HARNESS_SEED (default 0).

    Raises ValueError if the variable is not an integer.
    """
    text = os.environ.get("HARNESS_SEED") or "0"
    try:
        return int(text)
    except ValueError:
        msg = f"HARNESS_SEED is {text!r}; expected an integer"
        raise ValueError(msg) from None
