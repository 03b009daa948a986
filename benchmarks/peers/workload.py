"""The same trivial work for every tool: chains of nine steps, each a shell command of one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STEPS = 9


@dataclass(frozen=True)
class Workload:
    """So many chains. The first step of a chain writes its number, each of the others copies."""

    chains: int

    @property
    def steps(self) -> int:
        return STEPS * self.chains

    @property
    def numbers(self) -> range:
        """The chains' numbers."""
        return range(1, self.chains + 1)

    def names(self) -> Iterator[str]:
        """The steps of a chain, in order."""
        return (f"step{number}" for number in range(1, STEPS + 1))
