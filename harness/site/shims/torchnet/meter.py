"""A moving average of the training loss, which deeplab-pytorch only logs."""

from __future__ import annotations

import statistics
from collections import deque


class MovingAverageValueMeter:
    """Mean and standard deviation of the last values.

    Args:
        windowsize: number of values.

    """

    def __init__(self, windowsize: int) -> None:
        self._values: deque[float] = deque(maxlen=windowsize)

    def add(self, value: float) -> None:
        """Add a value."""
        self._values.append(value)

    def value(self) -> tuple[float, float]:
        """Return the mean and the population standard deviation."""
        return statistics.fmean(self._values), statistics.pstdev(self._values)
