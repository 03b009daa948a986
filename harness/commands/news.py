"""News of an execution that nobody watches: its end, failures, and how far it is now and then."""

import queue
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from harness.commands.context import Notify
from harness.commands.notify import NotSentError, Receiver
from harness.console.units import duration
from harness.errors import HarnessError, Interrupted
from harness.execution.outcome import Outcome, Status
from harness.execution.schedule import Progress
from harness.plan.plan import BoundStep, Plan

SCHEMA: Final = 1
_LAST_SECONDS = 120.0  # that the end of a command waits for its news to arrive
_HOUR = 3600.0
_SAID = 300  # characters of an error


class Event(StrEnum):
    """What there is to tell."""

    PROGRESS = "progress"
    STEP_FAILED = "step failed"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class News:
    """Follows an execution and tells of it, from a thread of its own."""

    command: str
    runs: Path
    receiver: Receiver
    warn: Notify
    every: float | None = None  # hours
    plan: Plan | None = None
    running: dict[str, str] = field(default_factory=dict)
    ended: Counter[Status] = field(default_factory=Counter)
    exit_code: int | None = None
    began: float = field(default_factory=time.monotonic)
    guard: threading.Lock = field(default_factory=threading.Lock)
    waiting: "queue.SimpleQueue[dict[str, Any] | None]" = field(default_factory=queue.SimpleQueue)

    @property
    def progress(self) -> Progress:
        """What tells it of the plan, of starts and of ends."""
        return Progress(planned=self._planned, started=self._started, ended=self._ended)

    def tell(self, event: Event, what: str, error: str | None = None) -> None:
        """Hand news to the thread that sends it."""
        self.waiting.put(self._document(event, what, error))

    def send_all(self) -> None:
        """Send what comes, and every so many hours how far it is; until there is no more."""
        while True:
            try:
                news = self.waiting.get(timeout=self.every and self.every * _HOUR)
            except queue.Empty:
                news = self._document(Event.PROGRESS, "goes on")
            if news is None:
                return
            try:
                self.receiver.send(news)
            except NotSentError as error:
                self.warn(f"news was not sent to {self.receiver.title}: {error}")

    def _planned(self, plan: Plan) -> None:
        self.plan = plan

    def _started(self, step: BoundStep) -> None:
        with self.guard:
            self.running[step.key] = f"{step.method} {step.name}"

    def _ended(self, step: BoundStep, outcome: Outcome) -> None:
        with self.guard:
            self.running.pop(step.key, None)
            self.ended[outcome.status] += step.shard is None
        if outcome.status is Status.FAILED and step.shard is None:
            error = (outcome.error or "")[:_SAID]
            self.tell(Event.STEP_FAILED, f"{step.name} of {step.method} failed: {error}", error)

    def _document(self, event: Event, what: str, error: str | None = None) -> dict[str, Any]:
        with self.guard:
            done = self.ended[Status.DONE] + self.ended[Status.CACHED]
            totals = {
                "steps": len(self.plan.steps) if self.plan else 0,
                "done": done,
                "failed": self.ended[Status.FAILED],
                "blocked": self.ended[Status.BLOCKED],
            }
            running = [{"name": name} for name in self.running.values()]
        host, seconds = socket.gethostname(), time.monotonic() - self.began
        counted = f"{done} of {totals['steps']} steps done after {duration(seconds)}"
        return {
            "schema": SCHEMA,
            "command": self.command,
            "event": event.value,
            "text": f"harness {self.command} on {host}: {what}; {counted}",
            "host": host,
            "runs": str(self.runs),
            "plan": self.plan.id if self.plan else None,
            "seconds": round(seconds, 1),
            "totals": totals,
            "running": running,
            "error": error,
            "exit_code": self.exit_code,
        }


@contextmanager
def telling(news: News | None) -> Iterator[Callable[[int], None]]:
    """Send news for as long as this lasts, and of how it ended; yields what takes the exit code."""
    if news is None:
        yield lambda _: None
        return
    sender = threading.Thread(target=news.send_all, name="news", daemon=True)
    sender.start()

    def ended(exit_code: int) -> None:
        news.exit_code = exit_code

    try:
        yield ended
    except BaseException as error:
        _tell_of_error(news, error)
        raise
    else:
        news.tell(*_END.get(news.exit_code or 0, (Event.FAILED, "did not finish")))
    finally:
        news.waiting.put(None)
        sender.join(_LAST_SECONDS)


_END: Mapping[int, tuple[Event, str]] = {
    0: (Event.DONE, "finished"),
    Interrupted.exit_code: (Event.STOPPED, "was stopped"),
}


def _tell_of_error(news: News, error: BaseException) -> None:
    """Of a stop, or of what ended the command before its steps did."""
    if isinstance(error, KeyboardInterrupt | Interrupted):
        news.exit_code = Interrupted.exit_code
        news.tell(*_END[Interrupted.exit_code])
        return
    kind = error if isinstance(error, HarnessError) else HarnessError
    news.exit_code = kind.exit_code
    text = f"{type(error).__name__}: {error}" if kind is HarnessError else str(error)
    news.tell(Event.FAILED, f"failed: {text[:_SAID]}", text[:_SAID])
