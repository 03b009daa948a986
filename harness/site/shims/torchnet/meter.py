"""The mean of a training's last losses, which deeplab-pytorch only logs."""

from __future__ import annotations

import statistics
from collections import deque


class MovingAverageValueMeter:
    """Mean and deviation of the last values.

    Args:
        windowsize: how many values count.

    """

    def __init__(self, windowsize: int) -> None:
        self._values: deque[float] = deque(maxlen=windowsize)

    def add(self, value: float) -> None:
        """Take one value."""
        self._values.append(value)

    def value(self) -> tuple[float, float]:
        """Return mean and deviation."""
        return statistics.fmean(self._values), statistics.pstdev(self._values)
