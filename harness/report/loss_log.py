"""The losses that a training printed, read from its log whatever the repository's format."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 32 << 20  # of a log: what is behind is not read
POINTS: Final = 150  # of a curve: more cannot be seen
FEWEST: Final = 5  # values that make a curve
_VALUE: Final = re.compile(
    rb"(?<![\w.])((?i:loss)(?:_\w+|[A-Z0-9]\w*)?)\s*[:=]?\s*"
    rb"([-+]?(?i:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf))"
)
_WORD: Final = re.compile(rb"loss", re.IGNORECASE)
_LINE_ENDS: Final = re.compile(rb"[\r\n]+")


def read_losses(log: Path, points: int = POINTS) -> tuple[float, ...]:
    """The logged losses in order, thinned to the means of at most `points` equal shares.

    Of a line with several losses it is the one called `loss`, else the first. A log with fewer
    than five values gives none. Values may be NaN or infinite, as the training printed them.
    """
    with log.open("rb") as file:
        content = file.read(MOST_BYTES)
    if _WORD.search(content) is None:
        return ()
    values = list(_values(_LINE_ENDS.split(content)))
    return thinned(values, points) if len(values) >= FEWEST else ()


def thinned(values: Sequence[float], points: int) -> tuple[float, ...]:
    """The values, or the means of `points` equal shares of more of them."""
    count = len(values)
    if count <= points:
        return tuple(values)
    bounds = [at * count // points for at in range(points + 1)]
    shares = (values[low:high] for low, high in pairwise(bounds))
    return tuple(sum(share) / len(share) for share in shares)


def _values(lines: Sequence[bytes]) -> Iterator[float]:
    for line in lines:
        found = _VALUE.findall(line)
        if found:
            whole = [number for name, number in found if name.lower() == b"loss"]
            yield float(whole[0] if whole else found[0][1])
