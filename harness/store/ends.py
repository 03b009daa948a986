"""How `exec-step` ended for a step of a plan: the file by which others learn of it."""

from collections.abc import Mapping
from typing import Any

from harness.files import DamagedFile, read_sealed, write_sealed
from harness.layout import RunLayout


def write_end(layout: RunLayout, plan: str, key: str, end: Mapping[str, Any]) -> None:
    """Write down how it ended."""
    write_sealed(layout.end(plan, key), end)


def read_end(layout: RunLayout, plan: str, key: str) -> Mapping[str, Any] | None:
    """How it ended; None if it did not yet, or if the file is damaged."""
    try:
        return read_sealed(layout.end(plan, key))
    except DamagedFile:
        return None


def forget_end(layout: RunLayout, plan: str, key: str) -> None:
    """Remove what an earlier call left, before the step is asked for anew."""
    layout.end(plan, key).unlink(missing_ok=True)
