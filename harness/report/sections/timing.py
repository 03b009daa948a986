"""When steps ran, how long each stage took and how much memory it needed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from harness.evidence.evidence import Evidence
from harness.report.blocks import (
    Block,
    Cell,
    Figure,
    Figures,
    Fold,
    Grid,
    Section,
    Text,
    cell,
    number,
)
from harness.report.chart import STAGES, Margins, drawing, svg
from harness.report.idle import Axis, without_pauses
from harness.report.rows import rows_of
from harness.report.steps import SharedStep, steps_of
from harness.report.units import duration

_MINUTE, _HOUR = 60, 3600
_MOST_LINES = 160  # of a timeline

Named = Mapping[tuple[int, str], Sequence[SharedStep]]  # the steps of a row by stage and name


def timing(evidence: Evidence) -> Section | None:
    """A timeline of all steps, and a table of each row's stages."""
    steps = [one for one in steps_of(evidence.runs) if one.step.record]
    if not steps:
        return None
    rows = list(_steps_of_rows(evidence))
    blocks: list[Block] = [
        Text(
            text="A step that several runs share is drawn once, in the first of them. Pauses in "
            "which nothing ran are cut short; a dotted line marks each."
        ),
        _timeline(steps),
        Figures(figures=tuple(_chart(*one, at) for at, one in enumerate(rows))),
        *(_table(*one) for one in rows),
    ]
    return Section(id="time", title="Time and memory", blocks=blocks)


def _timeline(steps: Sequence[SharedStep]) -> Figure:
    every = list(dict.fromkeys(_line(one) for one in steps))
    names = every[:_MOST_LINES]
    spans = [span for one in steps if (span := one.span)]
    axis_of_time = without_pauses(spans)
    line_height = 13 if len(names) <= 40 else 9  # noqa: PLR2004 - points
    margins = Margins(left=8 + 5.2 * max(map(len, names)), top=34)
    height = margins.top + margins.bottom + line_height * max(len(names), 3)
    with drawing(760, height, margins) as (figure, (axis,)):
        _draw_timeline(axis, steps, names, axis_of_time)
        _legend_of_stages(figure, steps)
        element = svg(figure, "timeline")
    busy = duration(sum(one.seconds or 0 for one in steps))
    alt = f"{len(steps)} steps of {len(names)} runs on a time axis; together they took {busy}."
    caption = "Timeline of the steps"
    if len(every) > len(names):
        caption += f" of the first {len(names)} of {len(every)} runs"
    return Figure(svg=element, caption=caption, alt=alt, wide=True)


def _line(shared: SharedStep) -> str:
    run = shared.runs[0]
    return f"{run.row} {run.losses.value} s{run.seed}"


def _draw_timeline(
    axis: Any, steps: Sequence[SharedStep], names: Sequence[str], time: Axis
) -> None:
    longest = max(time.place(one.span[1]) for one in steps if one.span)
    unit, word = _unit(longest)
    for stage in sorted({one.step.stage or 1 for one in steps}):
        bars = [
            (names.index(_line(one)), *_bar(one.span, time, unit))
            for one in steps
            if (one.step.stage or 1) == stage and one.span and _line(one) in names
        ]
        rows, lefts, widths = zip(*bars, strict=True) if bars else ((), (), ())
        axis.barh(rows, widths, left=lefts, height=0.72, color=STAGES[stage - 1], linewidth=0)
    for cut in time.cuts:
        axis.axvline(cut / unit, linestyle=":", linewidth=0.8, color=STAGES[8])
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlabel(f"{word} since the first start, without pauses")
    axis.grid(visible=False, axis="y")
    axis.margins(y=0.01)


def _bar(span: tuple[float, float], time: Axis, unit: float) -> tuple[float, float]:
    left, right = (time.place(instant) / unit for instant in span)
    return left, right - left


def _legend_of_stages(figure: Any, steps: Sequence[SharedStep]) -> None:
    from matplotlib.patches import Patch

    stages = sorted({one.step.stage or 1 for one in steps})
    marks = [Patch(color=STAGES[stage - 1], linewidth=0) for stage in stages]
    names = [f"stage {stage}" for stage in stages]
    figure.legend(
        marks,
        names,
        loc="upper left",
        ncols=len(stages),
        handlelength=0.9,
        columnspacing=1.2,
        borderaxespad=0.3,
    )


def _steps_of_rows(evidence: Evidence) -> Iterator[tuple[str, Named]]:
    """Each row's title and its steps by stage and name."""
    for row in rows_of(evidence.runs):
        named: dict[tuple[int, str], list[SharedStep]] = {}
        for one in steps_of(row.runs):
            if one.step.record:
                named.setdefault((one.step.stage or 0, one.step.name), []).append(one)
        if named:
            yield row.title, dict(sorted(named.items()))


def _chart(title: str, named: Named, at: int) -> Figure:
    names = [name for _, name in named]
    colours = [STAGES[max(stage, 1) - 1] for stage, _ in named]
    seconds = [_mean_seconds(members) for members in named.values()]
    peaks = [_most(_memory(one) for one in members) for members in named.values()]
    shown = any(peak is not None for peak in peaks)
    unit, word = _unit(max(seconds))
    margins = Margins(left=12 + 5.2 * max(map(len, names)), top=26, between=14)
    height = margins.top + margins.bottom + 14 * max(len(names), 3)
    with drawing(360, height, margins, ncols=1 + shown, sharey=True) as (figure, axes):
        bars = [(f"mean time ({word})", [one / unit for one in seconds])]
        bars += [("peak memory (GB)", [peak or 0 for peak in peaks])] if shown else []
        for axis, (about, lengths) in zip(axes, bars, strict=True):
            axis.set_title(about)
            axis.barh(names, lengths, height=0.68, color=colours, linewidth=0)
            axis.grid(visible=False, axis="y")
        axes[0].invert_yaxis()
        element = svg(figure, f"time-{at}")
    slowest = max(range(len(names)), key=seconds.__getitem__)
    alt = f"Mean time of each step of {title}; the longest is {names[slowest]}, "
    return Figure(svg=element, caption=title, alt=alt + duration(seconds[slowest]))


def _table(title: str, named: Named) -> Fold:
    columns = ("stage", "step", "executions", "mean time", "longest", "peak memory", "of GPUs")
    rows = tuple(_timing_row(name, members) for name, members in named.items())
    grid = Grid(caption=f"{title}: time and memory of each step", columns=columns, rows=rows)
    return Fold(summary=f"{title}: figures", blocks=(grid,))


def _timing_row(name: tuple[int, str], members: Sequence[SharedStep]) -> tuple[Cell, ...]:
    mean, longest = _mean_seconds(members), max(one.seconds or 0.0 for one in members)
    return (
        number(name[0], digits=0),
        cell(name[1]),
        number(len(members), digits=0),
        number(mean, duration(mean)),
        number(longest, duration(longest)),
        *(_memory_cell(_most(of(one) for one in members)) for of in (_memory, _gpu_memory)),
    )


def _mean_seconds(members: Sequence[SharedStep]) -> float:
    return fmean(one.seconds or 0.0 for one in members)


def _memory(one: SharedStep) -> float | None:
    """The most that the step's processes had resident at once, in GB."""
    gigabytes: float | None = _use(one).get("peak_memory_gb")
    return gigabytes


def _gpu_memory(one: SharedStep) -> float | None:
    """The most in use on one of the step's GPUs, in GB."""
    return _most(_use(one).get("peak_gpu_memory_gb", {}).values())


def _use(one: SharedStep) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (one.step.record or {}).get("use", {})
    return found


def _most(gigabytes: Iterable[float | None]) -> float | None:
    return max((one for one in gigabytes if one is not None), default=None)


def _memory_cell(gigabytes: float | None) -> Cell:
    return number(gigabytes, None if gigabytes is None else f"{gigabytes:.2f} GB")


def _unit(longest: float) -> tuple[float, str]:
    """The unit of an axis up to so many seconds."""
    units = ((_HOUR, "hours"), (_MINUTE, "minutes"), (1, "seconds"))
    return next((unit, word) for unit, word in units if longest > 2 * unit or unit == 1)
