"""How good CAMs are at each background threshold, and how scores develop over the stages."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from harness.evidence.evidence import Evidence
from harness.evidence.groups import Group
from harness.report.blocks import Block, Figure, Figures, Section, Text
from harness.report.chart import LOSSES, MARKERS, drawing, losses_legend, svg
from harness.report.rows import Row, rows_of

CAM = "cam"
_METRICS = ("J", "F")


def curves(evidence: Evidence) -> Section | None:
    """A chart of each row's CAMs over the threshold and of its scores over the stages."""
    rows = rows_of(evidence.runs)
    figures = [
        figure
        for at, row in enumerate(rows)
        for figure in (_stages(row, at), _thresholds(row, at))
        if figure is not None
    ]
    if not figures:
        return None
    text = (
        "Left: mean over seeds of what each stage scores. Right: J and F of CAMs at every "
        "background threshold. A thin line is a seed, a thick one their mean."
    )
    blocks: list[Block] = [Text(text=text), Figures(figures=tuple(figures))]
    return Section(id="stages", title="Stages and thresholds", blocks=blocks)


def _stages(row: Row, at: int) -> Figure | None:
    labels = row.labels
    if len(labels) <= 1:
        return None
    with drawing(360, 210, ncols=2) as (figure, axes):
        losses_legend(figure, row.losses)
        for axis, metric in zip(axes, _METRICS, strict=True):
            axis.set_title(f"{metric} (percent)")
            for group in row.groups:
                _draw_stages(axis, group, labels, metric)
            axis.set_xticks(range(len(labels)), labels)
            axis.margins(x=0.08)
        element = svg(figure, f"stages-{at}")
    return Figure(
        svg=element,
        caption=f"{row.title}: scores by stage",
        alt=f"Mean J and F of {row.title} at {', '.join(labels)}, a line for each of the losses.",
    )


def _draw_stages(axis: Any, group: Group, labels: Sequence[str], metric: str) -> None:
    there = [label for label in labels if label in group.labels]
    losses = group.losses.value
    axis.plot(
        [labels.index(label) for label in there],
        [group.spread(label, metric).mean for label in there],
        marker=MARKERS[losses],
        color=LOSSES[losses],
        markersize=4,
    )


def _thresholds(row: Row, at: int) -> Figure | None:
    groups = [group for group in row.groups if _curves_of(group)]
    if not groups:
        return None
    with drawing(360, 210, ncols=2) as (figure, axes):
        losses_legend(figure, [group.losses.value for group in groups])
        for axis, metric in zip(axes, _METRICS, strict=True):
            axis.set_title(f"{metric} of CAMs (percent)")
            axis.set_xlabel("background threshold")
            for group in groups:
                _draw_curves(axis, group, metric)
        element = svg(figure, f"thresholds-{at}")
    return Figure(
        svg=element,
        caption=f"{row.title}: CAMs by threshold",
        alt=f"J and F of the CAMs of {row.title} over the background threshold. {_best(groups)}",
    )


def _curves_of(group: Group) -> list[Any]:
    found = (one.curve for one in group.scores(CAM).values())
    return [one for one in found if {"threshold", *_METRICS} <= one.keys()]


def _draw_curves(axis: Any, group: Group, metric: str) -> None:
    curves = _curves_of(group)
    colour = LOSSES[group.losses.value]
    for one in curves:
        axis.plot(one["threshold"], one[metric], color=colour, linewidth=0.7, alpha=0.45)
    if all(one["threshold"] == curves[0]["threshold"] for one in curves):
        mean = [fmean(values) for values in zip(*(one[metric] for one in curves), strict=True)]
        axis.plot(curves[0]["threshold"], mean, color=colour)


def _best(groups: Sequence[Group]) -> str:
    said = (
        f"{group.losses.value}: J at most {max(max(one['J']) for one in _curves_of(group)):.1f}"
        for group in groups
    )
    return "; ".join(said)
