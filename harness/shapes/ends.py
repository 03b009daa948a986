"""How a call that executed a plan ended, and how to go on: what is printed last."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.commands.where import Where
from harness.console.units import duration
from harness.execution.failure import Failure
from harness.execution.outcome import Outcome, Status
from harness.plan.plan import BoundStep, Plan
from harness.shapes.next import command

_MOST_SHOWN = 3  # failures
_SHOWN_LINES = 5  # of a failed step's log
_AGAIN = "the same command goes on from there"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The end of a call: the plan, how its steps ended, and what names a person may type."""

    plan: Plan
    outcomes: Mapping[str, Outcome]  # of steps that the call came to
    seconds: float
    numbers: Mapping[str, int]  # of runs
    where: Where

    def count(self, *statuses: Status) -> int:
        """How many steps ended so."""
        return sum(self.outcomes[key].status in statuses for key in self._keys())

    def _keys(self) -> Iterator[str]:
        return (key for key in self.plan.steps if key in self.outcomes)

    @property
    def failures(self) -> list[tuple[BoundStep, Outcome]]:
        """The steps that failed, in the plan's order."""
        ended = ((self.plan.steps[key], self.outcomes[key]) for key in self._keys())
        return [(step, outcome) for step, outcome in ended if outcome.status is Status.FAILED]

    def word(self, step: BoundStep) -> str:
        """RUN/STEP of the first run that has the step."""
        run = next(one for one in self.plan.runs if step.key in one.steps.values())
        return f"{self.numbers.get(run.id, run.id)}/{step.name}"


def end_lines(end: End) -> list[str]:
    """The last lines of the call; a failure's reason, log and next command come last of all."""
    total = len(end.plan.steps)
    cached, done = end.count(Status.CACHED), end.count(Status.CACHED, Status.DONE)
    if cached == total:
        return [f"{total} of {total} steps were done already"]
    before = f", {cached} of them before" if cached else ""
    if done == total:
        return [f"{total} of {total} steps done{before}, in {duration(end.seconds)}"]
    if end.failures:
        return [*_failed(end, done), *_next(end)]
    return list(_stopped(end, done))


def _stopped(end: End, done: int) -> Iterator[str]:
    """Nothing failed: somebody stopped the command, or some of its steps."""
    ended = end.outcomes.values()
    left = sum(one.left_running for one in ended)
    stopped = f"stopped: {done} of {len(end.plan.steps)} steps done"
    if left:
        yield f"{stopped}, {left} still running in containers"
        yield "the same command follows them; `harness cancel RUN` ends them"
        return
    yield from (str(one.error) for one in ended if one.cancelled)
    yield f"{stopped}; {_AGAIN}"


def _failed(end: End, done: int) -> Iterator[str]:
    failures, waiting = end.failures, end.count(Status.BLOCKED)
    stopped = end.count(Status.INTERRUPTED)
    counts = [f"{done} of {len(end.plan.steps)} steps done", f"{len(failures)} failed"]
    counts += [f"{waiting} waiting for what failed"] if waiting else []
    counts += [f"{stopped} stopped"] if stopped else []
    yield f"failed: {', '.join(counts)}"
    for step, outcome in failures[:_MOST_SHOWN]:
        yield ""
        yield from _failure(end, step, outcome)
    if len(failures) > _MOST_SHOWN:
        yield ""
        yield f"and {len(failures) - _MOST_SHOWN} more: {command(end.where, 'status')}"


def _failure(end: End, step: BoundStep, outcome: Outcome) -> Iterator[str]:
    failure = Failure.read(outcome.error or "no reason was given")
    reason = failure.reason.removeprefix(f"{step.title}: ")
    after = f" after {duration(outcome.seconds)}" if outcome.seconds else ""
    yield f"{end.word(step)} failed{after}: {reason}"
    yield from (f"    {line}" for line in failure.lines[-_SHOWN_LINES:])
    if outcome.hint:
        yield f"hint: {outcome.hint}"
    if failure.log is not None:
        yield f"log: {failure.log}"


def _next(end: End) -> Iterator[str]:
    """What to type, for the first failure."""
    step, outcome = end.failures[0]
    yield ""
    if Failure.read(outcome.error or "").log is not None:
        yield f"next: {command(end.where, 'logs', end.word(step))}"
        yield f"  or: {command(end.where, 'why', end.word(step))}"
        yield f"then: {_AGAIN}"
    else:
        yield f"next: {_AGAIN}"
