"""A step that a command works at: what its attempt shows, from one look to the next."""

from dataclasses import dataclass

from harness.console.advance import Advance, read_advance
from harness.plan.plan import BoundStep
from harness.store.store import Store
from harness.store.under_way import UnderWay, under_way


@dataclass(slots=True)
class Followed:
    """A running step. What was seen last stays while its outputs are checked and published."""

    step: BoundStep
    attempt: UnderWay | None = None  # None: it waits for another harness, or is being prepared
    advance: Advance | None = None
    first: tuple[float, float] | None = None  # when this attempt first showed a share, and which

    def look(self, store: Store, now: float) -> None:
        """Look once more."""
        found = under_way(store, self.step.key)
        if found is None:
            return
        if self.attempt is None or found.started != self.attempt.started:
            self.first = None
        self.attempt, self.advance = found, read_advance(found.log, self.step.progress)
        if self.first is None and self.share:
            self.first = (now, self.share)

    @property
    def share(self) -> float:
        """The finished part of the step, 0 to 1; 0 where its log does not say."""
        return self.advance.share if self.advance else 0.0

    def elapsed(self, now: float) -> float:
        """Seconds since its attempt started, by whichever harness."""
        return max(now - self.attempt.started.timestamp(), 0.0) if self.attempt else 0.0

    def seconds_left(self, now: float) -> float | None:
        """By how fast it has gone since its first sign, so that its own start-up counts little."""
        if self.first is None:
            return None
        since, before = self.first
        if self.share > before:
            return (now - since) * (1 - self.share) / (self.share - before)
        return self.elapsed(now) * (1 - self.share) / self.share
