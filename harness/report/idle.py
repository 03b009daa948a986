"""A time axis without the hours in which nothing ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_LONG: Final = 0.05  # of the busy time: a longer pause is cut short to this


@dataclass(frozen=True, slots=True)
class Axis:
    """Places of instants, in seconds since the first start without what was cut out."""

    pauses: tuple[tuple[float, float], ...]  # start and end of the pauses that were cut, by time
    start: float
    kept: float  # what is left of each pause, in seconds

    def place(self, instant: float) -> float:
        """Where an instant lies on the axis."""
        cut = sum(
            min(instant, end) - start - self._shown(start, end, instant)
            for start, end in self.pauses
            if instant > start
        )
        return instant - self.start - cut

    def _shown(self, start: float, end: float, instant: float) -> float:
        share = (min(instant, end) - start) / (end - start)
        return self.kept * share

    @property
    def cuts(self) -> tuple[float, ...]:
        """Where on the axis something was cut out."""
        return tuple(self.place((start + end) / 2) for start, end in self.pauses)


def without_pauses(spans: Sequence[tuple[float, float]]) -> Axis:
    """An axis for spans (start, end) of time on which long pauses between them are short."""
    busy = _merged(spans)
    worked = sum(end - start for start, end in busy)
    kept = _LONG * worked
    pauses = tuple(
        (left[1], right[0]) for left, right in pairwise(busy) if right[0] - left[1] > kept
    )
    return Axis(pauses=pauses, start=busy[0][0], kept=kept)


def _merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
