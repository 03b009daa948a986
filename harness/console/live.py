"""What is seen of an execution while it goes on."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress import Progress
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.console import streams
from harness.console.cards import CardView
from harness.console.followed import Followed
from harness.console.lines import Line, fit
from harness.console.pace import Going, Pace
from harness.console.units import clock, duration
from harness.execution.failure import Failure
from harness.execution.outcome import Outcome, Status
from harness.plan.plan import BoundStep, Plan
from harness.store.store import Store

if TYPE_CHECKING:
    from harness.execution import schedule

_WIDEST = 120
_ECHO = 3  # columns left free: a terminal shows ^C behind the view, which must not begin a line
_FINISHED = {Status.DONE, Status.CACHED}


@dataclass(slots=True)
class Board:
    """Follows an execution: a live view on a terminal, a line for each step everywhere."""

    plan: Plan
    store: Store
    hours: Mapping[str, float] = field(default_factory=dict)  # measured, by key
    stopping: bool = False  # somebody asked for an end
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)  # keys of the steps that are done
    working: dict[str, Followed] = field(default_factory=dict)
    shards: dict[str, int] = field(default_factory=dict)  # finished ones, by the whole step's key
    cards: CardView = field(default_factory=CardView)
    began: float = field(default_factory=time.time)
    guard: threading.RLock = field(default_factory=threading.RLock)
    live: Live | None = None
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace.of(self.plan, self.hours)

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
        with self.guard:
            self.plan, self.pace = plan, Pace.of(plan, self.hours)

    def notify(self, text: str) -> None:
        """Print one line about what harness itself does."""
        streams.err.print(text)

    @property
    def progress(self) -> "schedule.Progress":
        """What tells it of the plan, of starts and of ends."""
        from harness.execution import schedule

        return schedule.Progress(planned=self.planned, started=self.started, ended=self.ended)

    def stop(self) -> None:
        """Somebody asked for an end: running steps are being ended."""
        self.stopping = True

    def started(self, step: BoundStep) -> None:
        """A step starts (or is looked up)."""
        with self.guard:
            self.working[step.key] = Followed(step)

    def ended(self, step: BoundStep, outcome: Outcome) -> None:
        """A step ended."""
        with self.guard:
            self.working.pop(step.key, None)
            if step.shard is not None:
                self.shards[step.whole] = self.shards.get(step.whole, 0) + 1
                return
            self.outcomes[step.key] = outcome
            note = self.finished.add if outcome.status in _FINISHED else self.finished.discard
            note(step.key)
            self.pace.ended[step.key] = outcome
        if outcome.status in {Status.DONE, Status.FAILED}:
            self._print(self._end_of(step, outcome))
        if outcome.remade:
            changed = ", ".join(outcome.remade)
            streams.err.print(f"{step.name}: this time the content differs: {changed}")

    @property
    def done(self) -> int:
        """How many steps are done, whoever did them."""
        return len(self.finished)

    def _print(self, line: Line) -> None:
        width = streams.err.width if streams.err.is_terminal else None
        streams.err.print(*fit([line], width))

    def _end_of(self, step: BoundStep, outcome: Outcome) -> Line:
        """The one line about a step that ran."""
        failed = outcome.status is Status.FAILED
        total = str(len(self.plan.steps))
        reason = Failure.read(outcome.error or "").reason.removeprefix(f"{step.title}: ")
        return Line(
            Text("failed", "red") if failed else Text("done  ", "green"),
            f"{self.done:>{len(total)}}/{total}",
            step.name.ljust(self.plan.longest_name),
            f"{duration(outcome.seconds) if outcome.seconds else '':>9}",
            about=who(self.plan, step),
            end=reason if failed else "",
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, now = min(options.max_width - _ECHO, _WIDEST), time.time()
        with self.guard:
            working = list(self.working.values())
            for one in working:
                one.look(self.store, now)
            rows = [self._row(one, now) for one in working]
            yield Group(*fit(rows, width), self._whole(self._going(working, now), now, width))

    def _going(self, working: list[Followed], now: float) -> dict[str, Going]:
        """How far the whole steps are that are under way; a shard is its share of one."""
        going: dict[str, Going] = {}
        for one in working:
            key, shard = one.step.whole, one.step.shard
            if shard is None:
                left = one.seconds_left(now)
                going[key] = Going(seconds=one.elapsed(now), share=one.share, left=left)
            elif key in self.plan.steps:
                before = going.get(key)
                share = before.share if before else self.shards.get(key, 0) / shard.count
                seconds = one.elapsed(now) + (before.seconds if before else 0.0)
                going[key] = Going(seconds=seconds, share=share + one.share / shard.count)
        return going

    def _row(self, one: Followed, now: float) -> Line:
        shard = one.step.shard
        name = "  " + one.step.name + (f" {shard.number}/{shard.count}" if shard else "")
        if one.attempt is None:
            return Line(name, "starting", about=who(self.plan, one.step))
        left = one.seconds_left(now) if one.share < 1 else None
        return Line(
            name,
            one.advance.text if one.advance else "",
            clock(one.elapsed(now)),
            "" if left is None else f"{clock(left)} left",
            self.cards.text(one.attempt.gpus),
            about=who(self.plan, one.step),
        )

    def _whole(self, going: Mapping[str, Going], now: float, width: int) -> Table:
        """The bar over everything, with the time left."""
        left = self.pace.seconds_left(going)
        about = "stopping" if self.stopping else f"about {clock(left)} left" if left else ""
        share = self.pace.share(going)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.width = width
        table.add_column(no_wrap=True)
        table.add_column(ratio=1)
        for _ in range(3):
            table.add_column(no_wrap=True, justify="right")
        steps = f"{self.done} of {len(self.plan.steps)} steps"
        bar = ProgressBar(total=1.0, completed=share)
        table.add_row(steps, bar, f"{share:.0%}", clock(now - self.began), about)
        return table


def who(plan: Plan, step: BoundStep) -> str:
    """For which runs a step is, its method first."""
    named = users(plan, step)
    if named == "all":
        run = plan.runs[0].run
        named = f"{run.backbone} {run.losses} s{run.seed}" if len(plan.runs) == 1 else "all runs"
    return f"{step.method} {named}"


def users(plan: Plan, step: BoundStep) -> str:
    """Which runs share a step: `all`, or their losses, backbones and seeds."""
    runs = plan.users[step.whole]
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
