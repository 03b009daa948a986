"""What is seen of an execution while it goes on."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rich.live import Live
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from harness.console import streams
from harness.console.units import duration
from harness.execution.runner import Outcome, Status
from harness.plan.plan import BoundStep, Plan

_TAIL_BYTES = 8192
_MARKS = {
    Status.DONE: Text("done", "green"),
    Status.CACHED: Text("cached", "cyan"),
    Status.FAILED: Text("failed", "red"),
    Status.BLOCKED: Text("blocked", "yellow"),
    Status.INTERRUPTED: Text("stopped", "yellow"),
}


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a running step is, by its log."""

    at: int
    of: int
    text: str


def read_advance(log: Path | None, pattern: str | None) -> Advance | None:
    """The last match of `pattern` (groups `at`, `of`) in the end of `log`."""
    if log is None or pattern is None or not log.exists():
        return None
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        tail = file.read().decode(errors="replace")
    found = list(re.finditer(pattern, tail))
    if not found:
        return None
    groups = found[-1].groupdict()
    try:
        at, of = int(groups["at"]), int(groups.get("of") or 0)
    except ValueError:  # the pattern also matches what is no number
        return None
    return Advance(at, of, f"{at}/{of}" if of else str(at))


@dataclass(slots=True)
class Board:
    """Follows an execution: a live table on a terminal, plain lines elsewhere."""

    plan: Plan
    log_of: Callable[[str], Path | None]
    done: int = 0
    started_at: dict[str, tuple[BoundStep, float]] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)
    live: Live | None = None

    def __enter__(self) -> Self:
        if streams.err.is_terminal:
            self.live = Live(self, console=streams.err, refresh_per_second=2, transient=True)
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.stop()

    def planned(self, plan: Plan) -> None:
        """The plan that is run: keys of assets on their first use are known only now."""
        self.plan = plan

    def notify(self, text: str) -> None:
        """Print one line about what harness itself does."""
        streams.err.print(text)

    def started(self, step: BoundStep) -> None:
        """A step starts (or is looked up)."""
        with self.guard:
            self.started_at[step.key] = (step, time.monotonic())

    def ended(self, step: BoundStep, outcome: Outcome) -> None:
        """A step ended."""
        with self.guard:
            self.started_at.pop(step.key, None)
            self.done += step.shard is None
        where = f"[{self.done}/{len(self.plan.steps)}]" if step.shard is None else ""
        name = f"{step.method} {step.stage} {step.name} ({users(self.plan, step)})"
        streams.err.print(f"{where:>9}", _MARKS[outcome.status], name, duration(outcome.seconds))
        if outcome.remade:
            changed = ", ".join(outcome.remade)
            streams.err.print(f"this time the content differs: {changed}")
        if outcome.status is Status.FAILED and step.shard is None:
            streams.err.print(f"{outcome.error}\nhint: {outcome.hint}")
        elif outcome.status is Status.INTERRUPTED and outcome.error:
            streams.err.print(outcome.error)

    def __rich__(self) -> Table:
        table = Table(box=None, header_style="bold")
        for column in ("method", "stage", "step", "runs", "at", "elapsed", "left"):
            table.add_column(column)
        with self.guard:
            running = list(self.started_at.values())
        for step, since in running:
            table.add_row(*self._row(step, time.monotonic() - since))
        total = len(self.plan.steps)
        table.add_row("", "", f"{self.done}/{total} steps", "", "", "", "", style="dim")
        return table

    def _row(self, step: BoundStep, elapsed: float) -> tuple[str, ...]:
        advance = read_advance(self.log_of(step.key), step.progress)
        left = "?"
        if advance is not None and advance.of and 0 < advance.at <= advance.of:
            left = duration(elapsed * (advance.of - advance.at) / advance.at)
        at = advance.text if advance else ""
        name = (step.method, str(step.stage), step.name, users(self.plan, step))
        return *name, at, duration(elapsed), left


def users(plan: Plan, step: BoundStep) -> str:
    """Which runs share a step: `all`, or their losses, backbones and seeds."""
    runs = [planned.run for planned in plan.runs if step.whole in planned.steps.values()]
    if len(runs) == len(plan.runs):
        return "all"
    backbones = "|".join(dict.fromkeys(run.backbone for run in runs))
    losses = "|".join(dict.fromkeys(run.losses.value for run in runs))
    seeds = ",".join(dict.fromkeys(str(run.seed) for run in runs))
    return f"{backbones} {losses} s{seeds}"


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr where that is a terminal; what it yields takes (done, total)."""
    with Progress(
        console=streams.err, transient=True, disable=not streams.err.is_terminal
    ) as progress:
        task = progress.add_task(unit, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
