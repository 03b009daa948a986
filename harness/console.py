"""Everything a person sees: tables on stdout, progress on stderr, JSON for machines."""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.live import Live
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from harness.errors import HarnessError
from harness.execution.runner import Outcome, Status
from harness.plan.plan import BoundStep, Plan
from harness.terminal import readable, readable_pieces

if TYPE_CHECKING:
    from harness.tables.formats import Format
    from harness.tables.model import Table as PaperTable
    from harness.verdict.results import Verdict

_WIDTH = 130  # where there is no terminal to ask
_TAIL_BYTES = 8192
_MARKS = {
    Status.DONE: Text("done", "green"),
    Status.CACHED: Text("cached", "cyan"),
    Status.FAILED: Text("failed", "red"),
    Status.BLOCKED: Text("blocked", "yellow"),
    Status.INTERRUPTED: Text("stopped", "yellow"),
}


class ReadableConsole(Console):
    """A console to which a string is text alone: neither markup nor what a terminal would obey.

    All strings come by here: those printed, a table's cells and titles. Style comes with `Text`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """The string as rich shows it, made readable first."""
        return super().render_str(readable(text), **settings)


out = ReadableConsole(width=None if sys.stdout.isatty() else _WIDTH)
err = ReadableConsole(stderr=True)


def show_json(value: Any) -> None:
    """Print a value for machines: nothing else goes to stdout with --json."""
    # Indenting a large document takes longer than planning it, and machines need no lines.
    indent = 1 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(value, indent=indent, sort_keys=True) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def show_paper_table(table: "PaperTable", wanted: "Format") -> None:
    """Print a table of the paper; in CSV, which has no place for them, notes go to stderr."""
    from harness.tables.formats import TEXTS, Format

    if wanted in TEXTS:
        sys.stdout.write(TEXTS[wanted](table))
        if wanted is Format.CSV:
            for note in table.notes:
                err.print(note)
        return
    out.print(_rich_table(table))
    for note in table.notes:
        out.print(note)


def _rich_table(table: "PaperTable") -> Table:
    """The columns for people, close together; a rule between two groups of lines."""
    from harness.tables.model import for_people

    table = for_people(table)
    shown = Table(
        title=table.heading,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in table.columns:
        head = f"{column.group}\n{column.head}" if column.group else column.head
        justify: JustifyMethod = "right" if column.numeric else "left"
        shown.add_column(head, justify=justify, overflow="fold")
    for line, following in zip(table.lines, (*table.lines[1:], None), strict=True):
        ends = following is not None and following.group != line.group
        shown.add_row(*(cell.text for cell in line.cells), end_section=ends)
    return shown


def show_error(error: HarnessError) -> None:
    """Print what broke and what to do, once."""
    err.print(Text("error:", "bold red"), str(error))
    err.print(Text("hint:", "bold"), error.hint)


def show_log(pieces: Iterable[str]) -> None:
    """Print a log, piece by piece as it comes."""
    for piece in readable_pieces(pieces):
        sys.stdout.write(piece)
        sys.stdout.flush()


def duration(seconds: float) -> str:
    """1.2 s, 3:05 min, 2:03:04 h."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def size(count: int | None) -> str:
    """0.3 MB, 12.0 GB; nothing if it is unknown."""
    if count is None:
        return ""
    gigabytes = count / 2**30
    return f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{count / 2**20:.1f} MB"


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
        if err.is_terminal:
            self.live = Live(self, console=err, refresh_per_second=2, transient=True)
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
        err.print(text)

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
        err.print(f"{where:>9}", _MARKS[outcome.status], name, duration(outcome.seconds))
        if outcome.remade:
            changed = ", ".join(outcome.remade)
            err.print(f"this time the content differs: {changed}")
        if outcome.status is Status.FAILED and step.shard is None:
            err.print(f"{outcome.error}\nhint: {outcome.hint}")
        elif outcome.status is Status.INTERRUPTED and outcome.error:
            err.print(outcome.error)

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


def show_plan(plan: Plan, state_of: Callable[[BoundStep], str]) -> None:
    """Every distinct step, done or to do and why."""
    rows = []
    for step in plan.steps.values():
        key = step.key[:12] + ("?" if step.provisional else "")
        name = (step.method, str(step.stage), step.name, step.repo or "harness")
        rows.append((*name, users(plan, step), key, state_of(step)))
    columns = ("method", "stage", "step", "repository", "runs", "key", "state")
    show_table(f"{len(plan.runs)} runs, {len(plan.steps)} distinct steps", columns, rows)


def show_scores(
    title: str, rows: Iterable[tuple[Sequence[str], Mapping[str, Sequence[float]]]]
) -> None:
    """Mean and spread of J, F, J&F per group of runs: method, backbone, losses and stage."""
    lines = []
    for name, scores in rows:
        cells = [_mean_spread(scores.get(metric, ())) for metric in ("J", "F", "JF")]
        lines.append((*name, str(len(scores.get("J", ()))), *cells))
    columns = ("method", "backbone", "losses", "scored", "seeds", "J", "F", "J&F")
    show_table(title, columns, lines)


def show_verdict(found: "Verdict") -> None:
    """Rows, cells, claims, and the runs that are listed apart."""
    from harness.verdict import text  # numpy and scipy: other commands need none of it
    from harness.verdict.results import Status as Verdicts

    cells = [cell for cell in found.cells if cell.status is not Verdicts.NOT_JUDGED]
    claims = [*found.claims, *(claim for row in found.rows for claim in row.claims)]
    _show_noted("cells", text.CELL_COLUMNS, map(text.cell_texts, cells), text.cell_notes(cells))
    out.print(text.LEGEND)
    _show_noted(
        "reported by the publications, against the paper's own reproduction",
        text.CELL_COLUMNS,
        map(text.cell_texts, found.reported),
        text.cell_notes(found.reported),
    )
    _show_noted(
        "claims", text.CLAIM_COLUMNS, map(text.claim_texts, claims), text.claim_notes(claims)
    )
    stray = [f"apart: {run}: {why}" for run, why in found.apart.items()]
    notes = [*text.row_notes(found.rows), *stray]
    _show_noted("rows", text.ROW_COLUMNS, map(text.row_texts, found.rows), notes)
    for line in found.damage:
        err.print(line)


def _show_noted(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str]
) -> None:
    """A table, and what it does not show, below."""
    show_table(title, columns, rows)
    for note in notes:
        out.print(f"- {note}")


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr where that is a terminal; what it yields takes (done, total)."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(unit, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _mean_spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.1f}"
    spread = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
    return f"{mean:.1f} ± {spread:.1f}"
