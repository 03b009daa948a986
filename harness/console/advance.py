"""How far a running step is, by its log."""

import re
from dataclasses import dataclass
from pathlib import Path

_TAIL_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a running step is; `of` is 0 where its log does not say."""

    at: int
    of: int

    @property
    def text(self) -> str:
        """The same for people."""
        return f"{self.at}/{self.of}" if self.of else str(self.at)

    @property
    def share(self) -> float:
        """The finished part of the step, 0 to 1."""
        return min(self.at / self.of, 1.0) if self.of else 0.0


def read_advance(log: Path | None, pattern: str | None) -> Advance | None:
    """The last match of `pattern` (groups `at`, `of`) in the end of `log`."""
    if log is None or pattern is None or not log.exists():
        return None
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        tail = file.read().decode(errors="replace")
    found = list(re.finditer(pattern, tail))
    if not found:
        return None
    groups = found[-1].groupdict()
    try:
        return Advance(int(groups["at"]), int(groups.get("of") or 0))
    except ValueError:  # the pattern also matches what is no number
        return None
