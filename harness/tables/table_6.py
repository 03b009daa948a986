"""Table 6: J, F and J&F of the final segmentation on VOC val, without and with each loss."""

from collections.abc import Iterator

from harness.manifest.paper import Row
from harness.tables import notes
from harness.tables.findings import Findings, count, crf_labels, printed, ruling
from harness.tables.model import Absent, Cell, Column, Line, Table, Words

LOSSES = ("none", "isl", "fsl")  # the table has no line of both
METRICS = ("J", "F", "JF")
_HEADS = {"J": "J", "F": "F", "JF": "J&F"}
_ABOVE = Absent("above")


def table_6(findings: Findings) -> Table:
    """The paper's cells, ours and the verdicts. A row with a CRF has both its scores."""
    return Table(
        name=6,
        title="Final segmentation on VOC val, in percent",
        columns=tuple(_columns()),
        lines=tuple(line for row in findings.published.rows for line in _row(findings, row)),
        notes=(
            notes.OURS,
            notes.PAPER,
            *notes.incomplete(findings),
            "J&F is shown, never judged by itself.",
            *notes.crf(findings),
            *notes.gains(findings),
            *notes.in_force(findings),
            *notes.backgrounds(findings),
            *notes.left_out(findings),
        ),
    )


def _columns() -> Iterator[Column]:
    yield Column(name="row", head="row", machine=True)
    yield Column(name="method", head="method")
    yield Column(name="backbone", head="backb.")
    yield Column(name="losses", head="loss")
    yield Column(name="score", head="score", machine=True)
    yield Column(name="crf", head="CRF")
    for metric in METRICS:
        group = _HEADS[metric]
        for name in ("paper", "ours"):
            column = f"{metric}_{name}"
            yield Column(name=column, head=name, group=group, numeric=True, spreads=True)
        if metric != "JF":
            yield Column(name=f"{metric}_verdict", head="verdict", group=group)
    yield Column(name="n", head="n", numeric=True)


def _row(findings: Findings, row: Row) -> Iterator[Line]:
    for losses in LOSSES:
        labels = crf_labels(row, findings.arm(row, losses))
        for place, (label, crf) in enumerate(labels.items()):
            names = (row.name, row.title, row.backbone_title, losses, label, crf)
            numbers = _numbers(findings, row, losses, label, first=place == 0)
            yield Line(cells=(*map(Words, names), *numbers), group=row.name)


def _numbers(
    findings: Findings, row: Row, losses: str, label: str, *, first: bool
) -> Iterator[Cell]:
    """The cells of all metrics. What the paper prints stands in the first line of a cell only."""
    ours = {metric: findings.ours(row, losses, label, metric) for metric in METRICS}
    for metric in METRICS:
        cell = findings.cell(f"t6/{row.name}/{losses}/{metric}")
        yield printed(cell.number) if first else _ABOVE
        yield ours[metric]
        if metric != "JF":
            yield ruling(cell) if first else _ABOVE
    yield count(ours["J"])
