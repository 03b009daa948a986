"""The margin δ within which two means count as the same; fixed before anything is run."""

from dataclasses import dataclass

FLOOR = 0.5
CEILING = 1.0
_DIGITS = 6  # printed numbers have few: the rest is the noise of subtracting floats


@dataclass(frozen=True, slots=True)
class Margin:
    """δ in points. Where it is the floor, half the gain is less: a pass says nothing of a gain."""

    delta: float
    is_floor: bool = False


def margin(gain: float | None) -> Margin:
    """δ = min(1.0, max(0.5, |gain| / 2)); 1.0 for baselines, which have no gain (None).

    Without the floor most cells could not pass even if our numbers were the paper's: half gains go
    down to 0.00.
    """
    if gain is None:
        return Margin(CEILING)
    half = round(abs(gain) / 2, _DIGITS)
    return Margin(min(CEILING, max(FLOOR, half)), is_floor=half < FLOOR)
