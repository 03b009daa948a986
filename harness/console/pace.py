"""How long a plan will still take, from how long its steps have taken in this call."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.execution.outcome import Outcome, Status
from harness.plan.plan import Plan

_LEAST_HOURS = 1e-4  # of a step whose manifest gives none


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """How far a running step is."""

    seconds: float  # that it has run
    share: float  # the finished part of it; 0 where nobody knows
    left: float | None = None  # seconds, as far as it shows


@dataclass(slots=True)
class Pace:
    """Weighs steps by the hours that they are expected to take.

    What such an hour really takes is seen from the steps' own seconds: neither fetching and
    building, nor waiting, nor steps that were done already make it better or worse.
    """

    hours: Mapping[str, float]
    ended: dict[str, Outcome] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, hours: Mapping[str, float]) -> "Pace":
        """Of a plan, with better figures than its manifests' for some of its steps."""
        known = {key: hours.get(key, step.resources.hours) for key, step in plan.steps.items()}
        return cls({key: max(one, _LEAST_HOURS) for key, one in known.items()})

    def share(self, going: Mapping[str, Going]) -> float:
        """The finished part of all work: 0 to 1."""
        done = self._hours(Status.DONE, Status.CACHED)
        done += sum(self.hours[key] * one.share for key, one in going.items())
        return min(done / sum(self.hours.values()), 1.0)

    def seconds_left(self, going: Mapping[str, Going]) -> float | None:
        """Until all is done that can be, as many steps at a time as now; None if unknown yet."""
        hour = self._real_hour(going)
        if hour is None:
            return None
        running = [
            max(self.hours[key] * hour - one.seconds, 0.0) if one.left is None else one.left
            for key, one in going.items()
        ]
        waiting = self.hours.keys() - self.ended.keys() - going.keys()
        ahead = sum(running) + sum(self.hours[key] for key in waiting) * hour
        return max(ahead / max(len(running), 1), max(running, default=0.0))

    def _real_hour(self, going: Mapping[str, Going]) -> float | None:
        """Seconds in which steps really do what was expected to take an hour."""
        known = {key: one for key, one in going.items() if one.share}
        hours = sum(self.hours[key] * one.share for key, one in known.items())
        seconds = sum(one.seconds for one in known.values())
        done = [one.seconds for one in self.ended.values() if one.status is Status.DONE]
        hours += self._hours(Status.DONE)
        return (seconds + sum(done)) / hours if hours else None

    def _hours(self, *statuses: Status) -> float:
        return sum(self.hours[key] for key, one in self.ended.items() if one.status in statuses)
