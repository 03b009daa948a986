"""The local executor: a ready queue over the plan, with tokens for CPUs, memory and GPUs."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event

from harness.core.model import Resources
from harness.core.plan import BoundStep, Plan
from harness.engine.runner import Outcome, Status
from harness.errors import NotReadyError

_FINISHED = {Status.DONE, Status.CACHED}
_POLL_SECONDS = 0.5

Execute = Callable[[BoundStep, Event, tuple[str, ...]], Outcome]


@dataclass(slots=True, kw_only=True)
class Tokens:
    """What this machine still has to give."""

    cpus: int
    memory_gb: float
    gpus: list[str] = field(default_factory=list)  # UUIDs
    running: int = 0

    def take(self, need: Resources) -> tuple[str, ...] | None:
        """The leased GPUs, or None if it does not fit now. An idle machine takes any one step."""
        fits = need.cpus <= self.cpus and need.memory_gb <= self.memory_gb
        if need.gpus > len(self.gpus) or not (fits or self.running == 0):
            return None
        self.cpus -= need.cpus
        self.memory_gb -= need.memory_gb
        self.running += 1
        leased, self.gpus = tuple(self.gpus[: need.gpus]), self.gpus[need.gpus :]
        return leased

    def give(self, need: Resources, gpus: tuple[str, ...]) -> None:
        """Take back what `take` gave."""
        self.cpus += need.cpus
        self.memory_gb += need.memory_gb
        self.running -= 1
        self.gpus.extend(gpus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told of starts and ends (the console)."""

    planned: Callable[[Plan], None] = lambda _: None
    started: Callable[[BoundStep], None] = lambda _: None
    ended: Callable[[BoundStep, Outcome], None] = lambda _step, _outcome: None


def run_plan(
    plan: Plan, execute: Execute, tokens: Tokens, jobs: int, stop: Event, watch: Watch
) -> Mapping[str, Outcome]:
    """Run every step once its parents are there; a failure stops only what depends on it.

    Raises NotReadyError before anything starts if a step asks for more GPUs than there are.
    """
    _refuse_missing_gpus(plan, tokens)
    watch.planned(plan)
    return _Queue(plan, execute, tokens, jobs, stop, watch).drain()


def _refuse_missing_gpus(plan: Plan, tokens: Tokens) -> None:
    widest = max(plan.steps.values(), key=lambda step: step.resources.gpus, default=None)
    if widest is not None and widest.resources.gpus > len(tokens.gpus):
        raise NotReadyError(
            f"step {widest.name} needs {widest.resources.gpus} GPU(s), found {len(tokens.gpus)}",
            hint="run on a machine with GPUs, or prove the wiring with --scale smoke",
        )


@dataclass(slots=True)
class _Queue:
    plan: Plan
    execute: Execute
    tokens: Tokens
    jobs: int
    stop: Event
    watch: Watch
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    running: dict[Future[Outcome], tuple[BoundStep, tuple[str, ...]]] = field(default_factory=dict)

    def drain(self) -> Mapping[str, Outcome]:
        waiting = dict(self.plan.steps)
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="step") as pool:
            while waiting or self.running:
                self._start_ready(waiting, pool)
                if self.running:
                    self._collect()
        return self.outcomes

    def _start_ready(self, waiting: dict[str, BoundStep], pool: ThreadPoolExecutor) -> None:
        for key, step in list(waiting.items()):
            parents = [self.outcomes.get(parent) for parent in step.parents]
            if self.stop.is_set():
                self._end(waiting.pop(key), Outcome(status=Status.INTERRUPTED, exit_code=130))
            elif any(parent and parent.status not in _FINISHED for parent in parents):
                self._end(waiting.pop(key), _blocked(step, self.plan, self.outcomes))
            elif all(parents) and len(self.running) < self.jobs:
                leased = self.tokens.take(step.resources)
                if leased is not None:
                    self.watch.started(waiting.pop(key))
                    future = pool.submit(self.execute, step, self.stop, leased)
                    self.running[future] = (step, leased)

    def _collect(self) -> None:
        done, _ = wait(self.running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            step, leased = self.running.pop(future)
            self.tokens.give(step.resources, leased)
            self._end(step, future.result())

    def _end(self, step: BoundStep, outcome: Outcome) -> None:
        self.outcomes[step.key] = outcome
        self.watch.ended(step, outcome)


def _blocked(step: BoundStep, plan: Plan, outcomes: Mapping[str, Outcome]) -> Outcome:
    culprits = [
        plan.steps[parent].name
        for parent in step.parents
        if parent in outcomes and outcomes[parent].status not in _FINISHED
    ]
    return Outcome(
        status=Status.BLOCKED, error=f"waits for {', '.join(culprits)}, which did not finish"
    )
