"""Final scores of every row and losses: each seed, mean and spread, and the paper's numbers."""

from collections.abc import Sequence
from typing import Any

from harness.evidence.evidence import Evidence
from harness.evidence.groups import Group
from harness.manifest.paper import Number
from harness.report.beside import Beside
from harness.report.blocks import Block, Cell, Figure, Figures, Fold, Grid, Section, Text, cell
from harness.report.blocks import number as number_cell
from harness.report.chart import BAND, INK, LOSSES, MARKERS, Margins, drawing, svg
from harness.report.rows import Row, rows_of

FINAL = "final"
_METRICS = (("J", "J"), ("F", "F"), ("JF", "J&F"))
_SIDE = 0.22  # how far seeds lie beside the middle of their losses, on an axis of one a loss


def scores(evidence: Evidence, beside: Beside) -> Section:
    """A chart of each row's final J and F, and a table of all that was scored."""
    rows = [row for row in rows_of(evidence.runs) if row.labels]
    charts = [_chart(row, at, beside) for at, row in enumerate(rows) if FINAL in row.labels]
    blocks: list[Block] = [
        Text(
            text="Scores are in percent. A point is a seed, a bar the mean of the seeds. The "
            "spread is the standard deviation over seeds with ddof 1. A shaded band is what the "
            "paper prints, mean ± spread."
        ),
        Figures(figures=tuple(charts)),
        *(_table(row) for row in rows),
        *(_classes(row) for row in rows),
    ]
    return Section(id="scores", title="Scores", blocks=blocks)


def published_final(numbers: Sequence[Number], group: Group, metric: str) -> Number | None:
    """The paper's number of a group's final J or F on val: Table 6's, else Table 7's mean.

    Only a run at paper scale has one.
    """
    if not group.setting.scale.judged:
        return None
    name = (group.method, group.backbone, group.losses.value, metric, "val")
    there = [
        one
        for one in numbers
        if (one.method, one.backbone, one.losses, one.metric, one.split) == name
        and one.value is not None
        and one.kind == "mean-of-runs"
    ]
    return min(there, key=lambda one: one.table or 0, default=None)


def _chart(row: Row, at: int, beside: Beside) -> Figure:
    with drawing(360, 180, Margins(top=26, bottom=24), ncols=2) as (figure, axes):
        for axis, (metric, title) in zip(axes, _METRICS[:2], strict=True):
            axis.set_title(f"{title} (percent)")
            _draw(axis, row, metric, beside)
        element = svg(figure, f"scores-{at}")
    return Figure(
        svg=element,
        caption=row.title,
        alt=f"Final J and F of {row.title} by losses: {_in_words(row)}",
    )


def _draw(axis: Any, row: Row, metric: str, beside: Beside) -> None:
    numbers = beside.findings.published.numbers if beside.findings else ()
    for place, group in enumerate(row.groups):
        number = published_final(numbers, group, metric)
        if number is not None and number.value is not None:
            _draw_published(axis, place, number.value, number.spread)
        if FINAL not in group.labels:
            continue
        spread = group.spread(FINAL, metric)
        losses = group.losses.value
        axis.hlines(spread.mean, place - 0.3, place + 0.3, color=LOSSES[losses], linewidth=2)
        places = [place + shift for shift in _beside(len(spread.values))]
        axis.plot(
            places, spread.values, MARKERS[losses], color=LOSSES[losses], markersize=4, alpha=0.75
        )
    axis.set_xticks(range(len(row.groups)), row.losses)
    axis.set_xlim(-0.6, len(row.groups) - 0.4)
    axis.grid(visible=False, axis="x")


def _draw_published(axis: Any, place: float, value: float, spread: float | None) -> None:
    if spread:
        axis.fill_between(
            [place - 0.38, place + 0.38], value - spread, value + spread, color=BAND, linewidth=0
        )
    axis.hlines(value, place - 0.38, place + 0.38, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))


def _beside(count: int) -> list[float]:
    """Where to put the seeds of one loss, so that none hides another."""
    if count == 1:
        return [0.0]
    return [_SIDE * (2 * at / (count - 1) - 1) for at in range(count)]


def _in_words(row: Row) -> str:
    final = [group for group in row.groups if FINAL in group.labels]
    said = (
        f"{group.losses.value} J {group.spread(FINAL, 'J').text}, F {group.spread(FINAL, 'F').text}"
        for group in final
    )
    return "; ".join(said)


def _table(row: Row) -> Grid:
    columns = ("scored", "losses", "seeds", "J", "F", "J&F", "J of each seed", "F of each seed")
    rows = tuple(
        _line(group, label) for label in row.labels for group in row.groups if label in group.labels
    )
    return Grid(caption=row.title, columns=columns, rows=rows)


def _line(group: Group, label: str) -> tuple[Cell, ...]:
    spreads = {metric: group.spread(label, metric) for metric, _ in _METRICS}
    return (
        cell(label),
        cell(group.losses.value),
        number_cell(len(spreads["J"].values), digits=0),
        *(number_cell(one.mean, one.text) for one in spreads.values()),
        *(cell(_seeds(spreads[metric].by_seed)) for metric in ("J", "F")),
    )


def _seeds(by_seed: Any) -> str:
    return " · ".join(f"{seed}: {value:.2f}" for seed, value in by_seed.items())


def _classes(row: Row) -> Fold:
    groups = [group for group in row.groups if FINAL in group.labels and group.classes(FINAL)]
    columns = ("class", *(f"{m} {group.losses.value}" for m in ("J", "F") for group in groups))
    names = dict.fromkeys(name for group in groups for name in group.classes(FINAL))
    rows = tuple(
        (
            number_cell(float(at), name),
            *(_class_cell(group, name, metric) for metric in ("J", "F") for group in groups),
        )
        for at, name in enumerate(names)
    )
    grid = Grid(caption=f"{row.title}: final scores per class", columns=columns, rows=rows)
    return Fold(summary=f"{row.title}: per class", blocks=(grid,))


def _class_cell(group: Group, name: str, metric: str) -> Cell:
    spread = group.class_spread(FINAL, name, metric)
    return number_cell(spread.mean, spread.text) if spread else number_cell(None)
