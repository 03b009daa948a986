"""Times and sizes as a report prints them."""

from datetime import datetime

_MINUTE, _HOUR = 60, 3600


def duration(seconds: float) -> str:
    """4.2 s, 3 min 5 s, 2 h 3 min."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"


def instant(text: str) -> str:
    """A time of a record, to the second, in UTC."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
