"""Durations and sizes for people."""

_DAY_HOURS = 48  # from which on hours are counted as days


def duration(seconds: float) -> str:
    """1.2 s, 3:05 min, 2:03:04 h."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def clock(seconds: float) -> str:
    """0:08, 2:03:04, 3 d 4 h: for what changes while it is looked at."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= _DAY_HOURS:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int | None) -> str:
    """0.3 MB, 12.0 GB; nothing if it is unknown."""
    if count is None:
        return ""
    gigabytes = count / 2**30
    return f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{count / 2**20:.1f} MB"
