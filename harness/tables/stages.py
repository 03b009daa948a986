"""J and F along the chain: of CAMs, of pseudo-labels and of the final segmentation.

Sec. S.3 argues with this: the paper could reproduce the CAMs of other methods, but not their final
segmentation, so what differs comes after stage 3.
"""

from collections.abc import Iterator, Mapping, Sequence

from harness.manifest.paper import Row
from harness.tables import notes
from harness.tables.findings import FINAL, Findings, count, crf_labels, printed
from harness.tables.model import (
    Absent,
    Cell,
    Column,
    Gap,
    Line,
    Measured,
    Printed,
    Table,
    Words,
)
from harness.verdict.results import CellVerdict

LOSSES = ("none", "isl", "fsl", "isl+fsl")
METRICS = ("J", "F")
#: The scores before the last one, which the supplement prints no numbers of.
EARLIER: Mapping[str, str] = {"cam": "3 CAM", "pseudo": "6 pseudo-label"}
_DASH = Absent("dash")
_OPENS = (
    "opens: the first stage whose gap is larger than δ, the margin of its cell. The supplement "
    "prints no scores of CAMs and pseudo-labels, so a gap may have opened before the stage that "
    "shows it."
)


def stages(findings: Findings) -> Table:
    """Each stage that was scored, with the gap to the published number where there is one."""
    rows = findings.published.rows
    return Table(
        name="stages",
        title="J and F by stage (Sec. S.3), in percent",
        columns=tuple(_columns()),
        lines=tuple(
            line for row in rows for losses in LOSSES for line in _chain(findings, row, losses)
        ),
        notes=(
            notes.OURS,
            "gap: ours minus the paper's, in points; of means over all seeds.",
            _OPENS,
            *notes.crf(findings),
            *notes.in_force(findings),
            *notes.backgrounds(findings),
            *notes.left_out(findings),
        ),
    )


def opens_at(gaps: Sequence[float | None], delta: float) -> tuple[int, bool] | None:
    """The first of some gaps in a row (points) that is beyond δ, and whether it is known to be.

    It is not known where the stage before has no gap. None if no gap is beyond.
    """
    for index, gap in enumerate(gaps):
        if gap is not None and abs(gap) > delta:
            return index, index == 0 or gaps[index - 1] is not None
    return None


def _columns() -> Iterator[Column]:
    yield Column(name="row", head="row", machine=True)
    yield Column(name="method", head="method")
    yield Column(name="backbone", head="backb.")
    yield Column(name="losses", head="losses")
    yield Column(name="score", head="score", machine=True)
    yield Column(name="stage", head="stage")
    yield Column(name="crf", head="CRF")
    for metric in METRICS:
        for name in ("paper", "ours"):
            column = f"{metric}_{name}"
            yield Column(name=column, head=name, group=metric, numeric=True, spreads=True)
        yield Column(name=f"{metric}_gap", head="gap", group=metric, numeric=True)
        yield Column(name=f"{metric}_opens", head="opens", group=metric)
    yield Column(name="n", head="n", numeric=True)


def _chain(findings: Findings, row: Row, losses: str) -> Iterator[Line]:
    """A line for each score of a chain. The last one is always there: the paper prints it."""
    runs = findings.arm(row, losses)
    for label, title in EARLIER.items():
        if any(label in run.scores for run in runs):
            yield _line(findings, row, losses, (label, title, ""))
    for label, crf in crf_labels(row, runs).items():
        yield _line(findings, row, losses, (label, "9 final", crf))


def _line(findings: Findings, row: Row, losses: str, stage: tuple[str, str, str]) -> Line:
    label = stage[0]
    cells: list[Cell] = [Words(row.name), Words(row.title), Words(row.backbone_title)]
    cells += [Words(losses), *map(Words, stage)]
    for metric in METRICS:
        cells += _metric(findings, row, losses, label, metric)
    cells.append(count(findings.ours(row, losses, label, "J")))
    return Line(cells=tuple(cells), group=row.name)


def _metric(
    findings: Findings, row: Row, losses: str, label: str, metric: str
) -> tuple[Cell, Cell, Cell, Cell]:
    """Paper, ours, gap, and whether it opens here."""
    ours = findings.ours(row, losses, label, metric)
    if label in EARLIER:
        return _DASH, ours, _DASH, Words("")
    published = _published(findings, row, losses, metric)
    paper = printed(published.number)
    gap = _gap(paper, ours)
    return paper, ours, gap, _opens(gap, published) if label == FINAL else Words("")


def _published(findings: Findings, row: Row, losses: str, metric: str) -> CellVerdict:
    """The paper's mean of five runs on val; with both losses Table 7 has J and no table F."""
    if losses != "isl+fsl":
        return findings.cell(f"t6/{row.name}/{losses}/{metric}")
    name = f"t7/{row.name}/reproduced/{losses}/val" if metric == "J" else None
    return findings.cell(name or f"main/{row.name}/{losses}/{metric}")


def _gap(paper: Cell, ours: Cell) -> Cell:
    if isinstance(paper, Printed) and isinstance(ours, Measured):
        return Gap(ours.value - paper.value)
    return _DASH


def _opens(gap: Cell, published: CellVerdict) -> Words:
    if not isinstance(gap, Gap) or published.margin is None:
        return Words("")
    found = opens_at([*(None for _ in EARLIER), gap.value], published.margin.delta)
    if found is None:
        return Words("within δ")
    return Words("here" if found[1] else "here or before")
