"""Choose a few pictures of a list that show what the whole list holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A picture of a list: its size in pixels, and the classes that it shows."""

    name: str
    width: int
    height: int
    classes: frozenset[int]

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def portrait(self) -> bool:
        """Whether it is higher than wide."""
        return self.height > self.width


def choose(candidates: Sequence[Candidate], count: int) -> tuple[str, ...]:
    """Return the names of `count` pictures, or of all if there are fewer, in their order.

    The largest and the smallest come first, then one of each orientation, then those that show the
    most classes that no other shows, then the first ones of the list. Equal lists give equal
    choices.
    """
    chosen: list[Candidate] = []
    while len(chosen) < min(count, len(candidates)):
        chosen.append(_next(chosen, [one for one in candidates if one not in chosen]))
    names = {one.name for one in chosen}
    return tuple(one.name for one in candidates if one.name in names)


def _next(chosen: Sequence[Candidate], left: Sequence[Candidate]) -> Candidate:
    shown = frozenset[int]().union(*(one.classes for one in chosen))

    def new(one: Candidate) -> int:
        return len(one.classes - shown)

    if not chosen:
        return max(left, key=lambda one: (one.area, new(one)))
    seen = {one.portrait for one in chosen}
    if len(chosen) == 1:
        return min(left, key=lambda one: (one.area, one.portrait in seen, -new(one)))
    other = [one for one in left if one.portrait not in seen]
    return max(other or left, key=new)
