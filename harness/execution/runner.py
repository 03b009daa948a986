"""The unit of execution: lease, look into the store, attempt, try again after faults."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Any

from harness.errors import HarnessError, Interrupted, StepError
from harness.execution.attempts import Attempts, Labels, stopped, strip
from harness.execution.ending import Inspect
from harness.execution.failure import Failure
from harness.execution.faults import Faulty, Retries
from harness.execution.inspection import inspect
from harness.execution.outcome import Outcome, Ready, Status
from harness.execution.stopping import StepStop
from harness.files import read_json
from harness.layout import StepFolder
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Exit, Runtime
from harness.store.store import Store
from harness.store.verification import Verifier

__all__ = ["Outcome", "Ready", "Status", "StepRunner", "read_scores"]

_PERCENT = 100
_logger = logging.getLogger(__name__)


class StepRunner:
    """Executes bound steps on one runtime."""

    def __init__(  # noqa: PLR0913 - what an execution needs
        self,
        store: Store,
        runtime: Runtime,
        ready: Ready,
        inspect_attempt: Inspect = inspect,
        *,
        verifier: Verifier | None = None,
        is_done: Callable[[BoundStep], bool] | None = None,
        retries: Retries | None = None,
        labels: Labels = lambda _: {},
        notify: Callable[[str], None] = _logger.warning,
    ) -> None:
        self.store, self._retries, self._notify = store, retries or Retries(), notify
        self._is_done = is_done or (lambda step: store.has(step.key, step.outputs))
        self._attempts = Attempts(
            store=store,
            runtime=runtime,
            ready=ready,
            inspect=inspect_attempt,
            verifier=verifier or Verifier(store),
            retries=self._retries,
            labels=labels,
            notify=notify,
        )

    def execute(self, step: BoundStep, stop: Event, gpus: tuple[str, ...] = ()) -> Outcome:
        """Bring `step` into the store. Every failure of the step comes back as an Outcome."""
        if self._is_done(step):
            return Outcome.cached(self.store.record(step.key))
        try:
            with self.store.leases.hold(step.key, stop):
                if self._is_done(step):
                    return Outcome.cached(self.store.record(step.key))
                own = StepStop(stop, self.store.layout.cancelled(step.key))
                return self._until_settled(step, own, gpus)
        except Interrupted as error:
            return Outcome.interrupted(error)
        except HarnessError as error:
            return Outcome.failed(error, self._seconds_of(error))

    def _seconds_of(self, error: HarnessError) -> float:
        """How long the attempt ran that an error is about; nothing if none was recorded."""
        kept = Failure.read(str(error)).kept
        record = self.store.record_of(StepFolder(kept)) if kept else None
        return float(record["time"]["seconds"]) if record else 0.0

    def _until_settled(self, step: BoundStep, stop: StepStop, gpus: tuple[str, ...]) -> Outcome:
        """Try again after infrastructure faults, within the limit."""
        faults: list[Exit] = []
        while True:
            try:
                return self._attempts.once(step, stop, gpus, faults)
            except Faulty as fault:
                faults.append(fault.exit)
                if fault.final or not self._retries.allow(faults):
                    raise fault.error from fault
                if fault.kept is not None:
                    strip(fault.kept)
                pause = self._retries.wait(faults)
                what = str(fault.error).splitlines()[0]
                self._notify(f"{what}; trying again in {pause:g} s")
                if stop.wait(pause):
                    raise stopped(step, stop) from fault


def read_scores(entry: StepFolder, path: str) -> dict[str, float]:
    """{"J", "F", "JF"} in percent, as a scoring step wrote them. Raises StepError."""
    found = read_json(entry.out / path)
    scores: Any = found.get("scores") if isinstance(found, dict) else None
    if not isinstance(scores, dict) or not all(map(_is_percent, scores.values())):
        raise StepError(
            f"{entry.out / path}: expected scores in percent by name, found {ascii(scores)[:100]}",
            hint="correct the script of the scoring step",
        )
    return scores


def _is_percent(score: object) -> bool:
    return type(score) in {int, float} and 0 <= score <= _PERCENT  # type: ignore[operator]
