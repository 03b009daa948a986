"""How long a plan will still take, from how long its steps have taken in this call."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.execution.outcome import Status
from harness.plan.plan import Plan

_LEAST_HOURS = 1e-4  # of a step whose manifest gives none


@dataclass(slots=True)
class Pace:
    """Weighs steps by the hours that they are expected to take.

    The rate counts from the start of the first step that really ran, and only what has been worked
    since: neither fetching and building nor steps that were done already make it better or worse.
    """

    hours: Mapping[str, float]
    begun: float | None = None  # seconds, as `now` below
    ended: dict[str, Status] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, hours: Mapping[str, float]) -> "Pace":
        """Of a plan, with better figures than its manifests' for some of its steps."""
        known = {key: hours.get(key, step.resources.hours) for key, step in plan.steps.items()}
        return cls({key: max(one, _LEAST_HOURS) for key, one in known.items()})

    def runs_since(self, moment: float) -> None:
        """A step that really runs started then."""
        self.begun = moment if self.begun is None else min(self.begun, moment)

    def share(self, running: Mapping[str, float]) -> float:
        """The finished part of all work, given that of running steps: 0 to 1."""
        done = self._hours(Status.CACHED) + self._worked(running)
        return min(done / sum(self.hours.values()), 1.0)

    def seconds_left(self, running: Mapping[str, float], now: float) -> float | None:
        """Until all is done that can be; None until something can be told."""
        worked = self._worked(running)
        if self.begun is None or worked <= 0 or now <= self.begun:
            return None
        ahead = sum(self.hours.values()) - sum(map(self._hours, Status)) - self._under_way(running)
        return max(ahead, 0.0) * (now - self.begun) / worked

    def _worked(self, running: Mapping[str, float]) -> float:
        return self._hours(Status.DONE) + self._under_way(running)

    def _under_way(self, running: Mapping[str, float]) -> float:
        return sum(self.hours[key] * share for key, share in running.items() if key in self.hours)

    def _hours(self, status: Status) -> float:
        return sum(self.hours[key] for key, one in self.ended.items() if one is status)
