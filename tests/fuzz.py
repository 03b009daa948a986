"""How hard fuzz tests try."""

import os


def rounds(default: int) -> int:
    """How many inputs a fuzz test tries: HARNESS_FUZZ, else `default`."""
    return int(os.environ.get("HARNESS_FUZZ", default))
