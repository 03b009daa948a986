"""What trainings printed of their losses."""

import math
from collections.abc import Mapping

from harness.evidence.evidence import Evidence
from harness.report.blocks import Block, Figure, Figures, Section, Text
from harness.report.chart import LOSSES, Margins, drawing, losses_legend, svg
from harness.report.loss_log import read_losses
from harness.report.rows import Row, rows_of
from harness.report.steps import SharedStep, steps_of

_BESIDE = 2  # axes in a figure of half the page's width

Curves = Mapping[str, list[tuple[SharedStep, tuple[float, ...]]]]  # by the step's name


def training(evidence: Evidence) -> Section | None:
    """A chart for each row, with axes for each of its training steps."""
    found = [(row, _curves(row)) for row in rows_of(evidence.runs)]
    figures = [_chart(row, curves, at) for at, (row, curves) in enumerate(found) if curves]
    if not figures:
        return None
    text = (
        "Training losses as the steps' logs print them; a line is a run. Losses of "
        "different options add terms, so only lines of one colour compare. The axis below is the "
        "share of the values that were logged."
    )
    blocks: list[Block] = [Text(text=text), Figures(figures=tuple(figures))]
    return Section(id="training", title="Training losses", blocks=blocks)


def _curves(row: Row) -> Curves:
    found: dict[str, list[tuple[SharedStep, tuple[float, ...]]]] = {}
    for shared in steps_of(row.runs):
        if shared.step.log is None:
            continue
        losses = read_losses(shared.step.log)
        if losses:
            found.setdefault(shared.step.name, []).append((shared, losses))
    return found


def _chart(row: Row, curves: Curves, at: int) -> Figure:
    width = 180 * max(_BESIDE, len(curves))
    with drawing(width, 190, Margins(), ncols=len(curves)) as (figure, axes):
        losses_legend(figure, row.losses)
        for axis, (name, lines) in zip(axes, curves.items(), strict=True):
            axis.set_title(name)
            axis.set_xlabel("percent of the log")
            for shared, losses in lines:
                places = [100 * (one + 1) / len(losses) for one in range(len(losses))]
                finite = [one if math.isfinite(one) else math.nan for one in losses]
                colour = LOSSES[shared.runs[0].losses.value]
                axis.plot(places, finite, color=colour, linewidth=1, alpha=0.8)
        element = svg(figure, f"training-{at}")
    return Figure(
        svg=element,
        caption=row.title,
        alt=f"Training losses of {row.title} in {', '.join(curves)}. {_not_finite(curves)}".strip(),
        wide=len(curves) > _BESIDE,
    )


def _not_finite(curves: Curves) -> str:
    bad = [
        f"{name} ({shared.served})"
        for name, lines in curves.items()
        for shared, losses in lines
        if not all(map(math.isfinite, losses))
    ]
    return f"Not finite at times: {'; '.join(bad)}." if bad else ""
