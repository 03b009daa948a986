"""The local executor: a ready queue over the plan, with tokens for CPUs, memory and GPUs."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from threading import Event

from harness.errors import HarnessError, NotReadyError
from harness.execution.outcome import Outcome, Status
from harness.gpus.leases import GpuLease, GpuLeases
from harness.manifest.model import Resources
from harness.plan.plan import BoundStep, Plan

_FINISHED = {Status.DONE, Status.CACHED}
_POLL_SECONDS = 0.5

Execute = Callable[[BoundStep, Event, tuple[str, ...]], Outcome]


@dataclass(slots=True, kw_only=True)
class Tokens:
    """What this machine still has to give."""

    cpus: int
    memory_gb: float
    gpus: GpuLeases
    running: int = 0

    def take(self, step: BoundStep) -> GpuLease | None:
        """The leased GPUs, or None if it does not fit now. An idle machine takes any one step.

        Raises NotReadyError, as `GpuLeases.take` does.
        """
        need = step.resources
        fits = need.cpus <= self.cpus and need.memory_gb <= self.memory_gb
        if not (fits or self.running == 0):
            return None
        lease = self.gpus.take(step)
        if lease is not None:
            self.cpus -= need.cpus
            self.memory_gb -= need.memory_gb
            self.running += 1
        return lease

    def give(self, step: BoundStep, lease: GpuLease) -> None:
        """Take back what `take` gave."""
        self.cpus += step.resources.cpus
        self.memory_gb += step.resources.memory_gb
        self.running -= 1
        lease.give()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Who is notified of the plan, of starts and of ends (the console).

    A step that was done already, or that cannot start, only ends.
    """

    planned: Callable[[Plan], None] = lambda _: None
    started: Callable[[BoundStep], None] = lambda _: None
    ended: Callable[[BoundStep, Outcome], None] = lambda _step, _outcome: None

    def beside(self, other: "Progress") -> "Progress":
        """Notify another too."""

        def planned(plan: Plan) -> None:
            self.planned(plan)
            other.planned(plan)

        def started(step: BoundStep) -> None:
            self.started(step)
            other.started(step)

        def ended(step: BoundStep, outcome: Outcome) -> None:
            self.ended(step, outcome)
            other.ended(step, outcome)

        return Progress(planned=planned, started=started, ended=ended)


def run_plan(  # noqa: PLR0913 - what an execution needs
    plan: Plan,
    execute: Execute,
    tokens: Tokens,
    jobs: int,
    stop: Event,
    progress: Progress,
    *,
    cached: Callable[[BoundStep], Outcome | None] = lambda _: None,
    split: Callable[[BoundStep], Sequence[BoundStep]] = lambda _: (),
) -> Mapping[str, Outcome]:
    """Run every step once its parents are there; a failure stops only what depends on it.

    What `split` makes of a step whose parents are there runs before the step, side by side. A step
    of which `cached` gives the end is done already: it does not start and needs no tokens.
    """
    progress.planned(plan)
    return _Queue(plan, execute, tokens, jobs, stop, progress, cached, split).drain()


@dataclass(slots=True)
class _Queue:
    plan: Plan
    execute: Execute
    tokens: Tokens
    jobs: int
    stop: Event
    progress: Progress
    cached: Callable[[BoundStep], Outcome | None]
    split: Callable[[BoundStep], Sequence[BoundStep]]
    shards: dict[str, Sequence[BoundStep]] = field(default_factory=dict)  # of steps looked at
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    running: dict[Future[Outcome], tuple[BoundStep, GpuLease]] = field(default_factory=dict)
    are_well: bool = True  # no step has ended so that those behind it cannot start

    def drain(self) -> Mapping[str, Outcome]:
        waiting = dict(self.plan.steps)
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="step") as pool:
            while waiting or self.running:
                self._start_ready(waiting, pool)
                if self.running:
                    self._collect()
                elif waiting:
                    self.stop.wait(_POLL_SECONDS)  # other processes have the GPUs
        return self.outcomes

    def _start_ready(self, waiting: dict[str, BoundStep], pool: ThreadPoolExecutor) -> None:
        todo = deque(waiting.values())
        while todo and not self._is_full:
            step = todo.popleft()
            before = [self.outcomes.get(key) for key in self._before(step)]
            if self.stop.is_set():
                self._end(waiting.pop(step.key), Outcome(status=Status.INTERRUPTED, exit_code=130))
            elif any(one and one.status not in _FINISHED for one in before):
                self._end(waiting.pop(step.key), self._blocked(step))
            elif all(before) and step.key not in self.shards:
                todo.extendleft(reversed(self._split(step, waiting)))
            elif all(before) and len(self.running) < self.jobs:
                self._try_start(step, waiting, pool)

    @property
    def _is_full(self) -> bool:
        """Whether no step can start or must end now, so that the others need no look."""
        is_well = self.are_well and not self.stop.is_set()
        return is_well and len(self.running) >= self.jobs

    def _before(self, step: BoundStep) -> tuple[str, ...]:
        """What must be finished first: the parents, then the step's own shards."""
        return (*step.parents, *(shard.key for shard in self.shards.get(step.key, ())))

    def _split(self, step: BoundStep, waiting: dict[str, BoundStep]) -> list[BoundStep]:
        """Look once at a step whose parents are finished: its shards, if any, and itself."""
        try:
            self.shards[step.key] = () if step.shard else tuple(self.split(step))
        except HarnessError as error:
            self._end(waiting.pop(step.key), Outcome.failed(error))
            return []
        shards = self.shards[step.key]
        waiting.update({shard.key: shard for shard in shards})
        return [*shards, step]

    def _blocked(self, step: BoundStep) -> Outcome:
        """What becomes of a step whose parent or shard did not finish."""
        for shard in self.shards.get(step.key, ()):
            outcome = self.outcomes.get(shard.key)
            if outcome and outcome.status not in _FINISHED:
                return outcome
        culprits = [
            self.plan.steps[parent].name
            for parent in step.parents
            if parent in self.outcomes and self.outcomes[parent].status not in _FINISHED
        ]
        return Outcome(
            status=Status.BLOCKED, error=f"waits for {', '.join(culprits)}, which did not finish"
        )

    def _try_start(
        self, step: BoundStep, waiting: dict[str, BoundStep], pool: ThreadPoolExecutor
    ) -> None:
        if (cached := self.cached(step)) is not None:
            self._end(waiting.pop(step.key), cached)
            return
        try:
            lease = self.tokens.take(self._light(step))
        except NotReadyError as error:
            self._end(waiting.pop(step.key), Outcome.failed(error))
            return
        if lease is None:
            return
        self.progress.started(waiting.pop(step.key))
        future = pool.submit(self.execute, step, self.stop, lease.uuids)
        self.running[future] = (step, lease)

    def _light(self, step: BoundStep) -> BoundStep:
        """The step as it counts in tokens: merging shards needs next to nothing."""
        return replace(step, resources=Resources()) if self.shards.get(step.key) else step

    def _collect(self) -> None:
        done, _ = wait(self.running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            step, lease = self.running.pop(future)
            self.tokens.give(self._light(step), lease)
            self._end(step, future.result())

    def _end(self, step: BoundStep, outcome: Outcome) -> None:
        self.outcomes[step.key] = outcome
        self.are_well &= outcome.status in _FINISHED
        self.progress.ended(step, outcome)
