"""Growth without a clock: the calls that a piece of work makes, and whether they are linear."""

import gc
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any


def calls(work: Callable[[], object]) -> int:
    """The calls of Python and C functions that `work` makes in this thread and in its own."""
    count = 0

    def count_one(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        del frame, argument
        if event in {"call", "c_call"}:
            count += 1

    gc.collect()
    gc.disable()  # what collects the garbage of earlier tests makes calls, too
    threading.setprofile(count_one)
    sys.setprofile(count_one)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        gc.enable()
    return count


def assert_linear(calls_at: Callable[[Path, int], int], root: Path, few: int, many: int) -> None:
    """Assert that ten times as much of something costs about ten times the calls, no hundred.

    `calls_at` makes so much of it in a folder of its own and returns the calls of one look at it.
    """
    calls_at(root / "warm", few)  # imports and caches
    small, large = calls_at(root / "few", few), calls_at(root / "many", many)
    assert large < 1.5 * many / few * small, f"{small} calls for {few}, {large} for {many}"
