"""Durations and sizes for people."""


def duration(seconds: float) -> str:
    """1.2 s, 3:05 min, 2:03:04 h."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def size(count: int | None) -> str:
    """0.3 MB, 12.0 GB; nothing if it is unknown."""
    if count is None:
        return ""
    gigabytes = count / 2**30
    return f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{count / 2**20:.1f} MB"
