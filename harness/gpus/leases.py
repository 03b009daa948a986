"""GPU leases: one holder of a card at a time, across the threads and processes of a machine.

A lease is a file lock on `gpus/<uuid>.lock` in the cache, which the kernel frees when its holder
dies, however it dies. What the holder started may live on, though: a container outlasts a harness
that was killed. So whoever has locked cards then looks at what runs, and leaves alone the cards of
an execution that nobody follows; unless it is one of the very step that cards are wanted for: then
just its cards are leased, so that the step can be followed.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from harness.errors import NotReadyError
from harness.files import try_lock
from harness.layout import CacheLayout
from harness.manifest.catalogue import Stack
from harness.plan.compatibility import Gpu, doubts, refusals, suitable
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Survivor

_PATIENCE_SECONDS = 120.0

Survivors = Callable[[], Iterable[Survivor]]


class GpuLeases:
    """The cards that a command may use, and how it takes them."""

    def __init__(
        self,
        cache: CacheLayout,
        find: Callable[[], Sequence[Gpu]] = tuple,
        stacks: Mapping[str, Stack] | None = None,
        survivors: Survivors = tuple,
        patience: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache, self._find, self._stacks = cache, find, stacks or {}
        self._survivors, self._patience, self._clock = survivors, patience, clock
        self._unanswered_since: float | None = None

    @cached_property
    def cards(self) -> Sequence[Gpu]:
        """The cards, read when first asked for. Raises NotReadyError if the driver is broken."""
        return self._find()

    def beside(self, survivors: Survivors) -> "GpuLeases":
        """The same cards, with `survivors` listing what runs, whoever started it."""
        return GpuLeases(
            self._cache, lambda: self.cards, self._stacks, survivors, self._patience, self._clock
        )

    def refusals(
        self, steps: Iterable[BoundStep], offered: Mapping[str, Sequence[str]]
    ) -> list[str]:
        """Why these cards cannot do the steps; empty if they can, or if no step needs a card.

        `offered` names the stacks of each method. Raises NotReadyError if the driver is broken.
        """
        needing = [step for step in steps if step.resources.gpus]
        return refusals(needing, self._stacks, offered, self.cards) if needing else []

    def doubts(self, steps: Iterable[BoundStep]) -> list[str]:
        """For which steps these cards are probably too small, by estimates, which refuse nothing.

        Raises NotReadyError if the driver is broken.
        """
        needing = [step for step in steps if step.resources.gpus]
        return doubts(needing, self.cards) if needing else []

    def take(self, step: BoundStep) -> "GpuLease | None":
        """As many suitable cards as the step needs, all at once; None if they are not free now.

        Raises NotReadyError if there are too few such cards, or if it stayed unknown for long what
        runs.
        """
        if step.resources.gpus == 0:
            return GpuLease((), ())
        cards = suitable(step.resources, self._stacks.get(step.stack), self.cards)
        if len(cards) < step.resources.gpus:  # waiting would be in vain
            raise NotReadyError(
                f"{step.title} needs {step.resources.gpus} GPU(s), found {len(cards)}",
                hint="run on a machine with such GPUs, or prove the wiring with --scale smoke",
            )
        with _Locks(self._cache) as locks:
            for gpu in cards:
                locks.add(gpu.uuid)
            chosen = self._choose(step, locks)
            return GpuLease(chosen, locks.keep(chosen)) if chosen else None

    def _choose(self, step: BoundStep, locks: "_Locks") -> tuple[str, ...]:
        """Return the UUIDs of free GPUs for the step, or () if there are too few."""
        running = self._running() if locks.held else None
        if running is None:
            return ()
        own = tuple(uuid for uuid, key in running.items() if key == step.key)
        if own:
            return own if all(locks.add(uuid) for uuid in own) else ()
        free = [uuid for uuid in locks.held if uuid not in running]
        return tuple(free[: step.resources.gpus]) if len(free) >= step.resources.gpus else ()

    def _running(self) -> Mapping[str, str] | None:
        """The cards that executions hold, with the keys of their steps; None if unknown."""
        try:
            running = [one for one in self._survivors() if one.running]
        except NotReadyError:
            now = self._clock()
            if self._unanswered_since is None:
                self._unanswered_since = now
            if now - self._unanswered_since > self._patience:
                raise
            return None
        self._unanswered_since = None
        return {uuid: one.labels.get("harness.key", "") for one in running for uuid in one.gpus}


@dataclass(frozen=True, slots=True)
class GpuLease:
    """Cards held until `give`."""

    uuids: tuple[str, ...]
    descriptors: tuple[int, ...]

    def give(self) -> None:
        """Free the cards."""
        for descriptor in self.descriptors:
            os.close(descriptor)


class _Locks:
    """Locks that are let go at the end, but for those that were kept."""

    def __init__(self, cache: CacheLayout) -> None:
        self._cache = cache
        self.held: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self.held.values():
            os.close(descriptor)

    def add(self, uuid: str) -> bool:
        """Lock a card unless somebody else has; whether it is held now."""
        if uuid in self.held:
            return True
        descriptor = try_lock(self._cache.gpu(uuid))
        if descriptor is None:
            return False
        self.held[uuid] = descriptor
        return True

    def keep(self, uuids: Sequence[str]) -> tuple[int, ...]:
        """Let these outlive the block."""
        return tuple(self.held.pop(uuid) for uuid in uuids)
