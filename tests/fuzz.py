"""How many inputs a fuzz test tries."""

import os


def rounds(default: int) -> int:
    """The number in HARNESS_FUZZ, else `default`, which is small enough for every commit."""
    return int(os.environ.get("HARNESS_FUZZ", default))
