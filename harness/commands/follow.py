"""Follow jobs of a cluster to their end: by files first, then by the queue."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event

from harness.commands.context import Context
from harness.commands.reproduce import Result, summarise
from harness.commands.settled import settled_outcomes
from harness.commands.submit import Submitted
from harness.errors import Interrupted, StepError
from harness.execution.outcome import Outcome, Status
from harness.execution.schedule import Progress
from harness.plan.plan import Plan
from harness.slurm.client import Job
from harness.slurm.jobs import living, next_files, own_jobs, read_job
from harness.store.verification import Verifier

_LOOK_SECONDS = 2.0
_QUEUE_SECONDS = 10.0


def follow(context: Context, submitted: Submitted, progress: Progress, stop: Event) -> Result:
    """Wait until every step has ended, or `stop` is set: then the jobs go on."""
    plan = submitted.plan
    outcomes = _Watch(context, submitted, progress).until_settled(stop)
    verifier = Verifier(context.store)
    runs = (summarise(context, verifier, plan, one, outcomes) for one in plan.runs)
    return Result(plan=plan, outcomes=outcomes, runs=tuple(runs))


@dataclass(slots=True)
class _Watch:
    context: Context
    submitted: Submitted
    progress: Progress
    queue: list[Job] = field(default_factory=list)
    asked_at: float = float("-inf")
    told: set[str] = field(default_factory=set)  # of whose ends the progress knows
    started: set[str] = field(default_factory=set)
    gone_since: dict[str, float] = field(default_factory=dict)
    gone: dict[str, Outcome] = field(default_factory=dict)  # their jobs ended without a word

    def until_settled(self, stop: Event) -> Mapping[str, Outcome]:
        plan = self.submitted.plan
        self.progress.planned(plan)
        while True:
            self._ask_queue()
            alive = living(self.context.layout, self.queue, plan.steps)
            outcomes = settled_outcomes(self.context, plan, self.gone, alive)
            self._tell(outcomes)
            if len(outcomes) == len(plan.steps):
                return outcomes
            self._find_gone(outcomes)
            if stop.wait(_LOOK_SECONDS):
                return {**{key: _goes_on(plan) for key in plan.steps}, **outcomes}

    def _ask_queue(self) -> None:
        if time.monotonic() - self.asked_at >= _QUEUE_SECONDS:
            self.queue = self.submitted.cluster.slurm.queue()
            self.asked_at = time.monotonic()

    def _tell(self, outcomes: Mapping[str, Outcome]) -> None:
        steps = self.submitted.plan.steps
        for key, job in living(self.context.layout, self.queue, steps).items():
            if job.state == "RUNNING" and key not in self.started and key not in outcomes:
                self.started.add(key)
                self.progress.started(steps[key])
        for key, outcome in outcomes.items():
            if key not in self.told:
                self.told.add(key)
                self.progress.ended(steps[key], outcome)

    def _find_gone(self, outcomes: Mapping[str, Outcome]) -> None:
        """Give up steps without end whose jobs are gone for longer than files take to be seen."""
        layout, plan = self.context.layout, self.submitted.plan
        there = living(layout, self.queue, plan.steps)
        chained = next_files(layout, plan.id).name in own_jobs(layout, self.queue)
        for key in plan.steps.keys() - outcomes.keys():
            noted = read_job(layout, key)
            if key in there or (noted is None and (there or chained)):
                self.gone_since.pop(key, None)
                continue
            since = self.gone_since.setdefault(key, time.monotonic())
            if time.monotonic() - since > self.submitted.cluster.profile.visible_within_seconds:
                self.gone[key] = vanished(noted.output if noted else None)


def vanished(output: str | None) -> Outcome:
    """The end of a step whose job is gone without having written down how it ended."""
    what = f"its job ended without a result; see {output}" if output else "it was never submitted"
    return Outcome(
        status=Status.FAILED,
        error=what,
        hint="run the same command again: it goes on from there",
        exit_code=StepError.exit_code,
    )


def _goes_on(plan: Plan) -> Outcome:
    return Outcome(
        status=Status.INTERRUPTED,
        error=f"the jobs of plan {plan.id} go on",
        exit_code=Interrupted.exit_code,
    )
