"""Table 7: J on VOC val and test: reported by publications, reproduced by the paper, and ours."""

from collections.abc import Iterator

from harness.manifest.paper import OtherMethod, Row
from harness.tables import notes
from harness.tables.findings import FINAL, Findings, count, crf_labels, printed, ruling
from harness.tables.model import Absent, Cell, Column, Line, Printed, Table, Words
from harness.verdict.results import Status

LOSSES = ("none", "isl+fsl")
_PAPER = (("reported", "val"), ("reported", "test"), ("reproduced", "val"), ("reproduced", "test"))
_DASH, _ABOVE = Absent("dash"), Absent("above")


def table_7(findings: Findings) -> Table:
    """The methods that the paper only quotes, then the rows that harness runs."""
    quoted = (_quoted(other) for other in findings.published.other_methods)
    rows = findings.published.rows
    ours = (line for row in rows for losses in LOSSES for line in _lines(findings, row, losses))
    return Table(
        name=7,
        title="J of the final segmentation on VOC val and test, in percent",
        columns=tuple(_columns()),
        lines=(*quoted, *ours),
        notes=tuple(_notes(findings)),
    )


def _notes(findings: Findings) -> Iterator[str]:
    yield notes.OURS
    yield (
        "reported: by the publications, one number of unknown selection. reproduced: by the paper, "
        "val the mean of five runs, test the best of the five by val on the evaluation server. "
        "Our test is that of our best by val, once the server's answer is recorded. Test is shown, "
        "never judged."
    )
    yield "verdict: our val against the reproduced val, and against the reported val."
    yield from notes.incomplete(findings)
    yield from notes.reported(findings)
    yield from notes.crf(findings)
    yield from notes.in_force(findings)
    yield from notes.backgrounds(findings)
    yield from notes.left_out(findings)


def _columns() -> Iterator[Column]:
    yield Column(name="row", head="row", machine=True)
    yield Column(name="method", head="method")
    yield Column(name="backbone", head="backb.")
    yield Column(name="losses", head="losses")
    yield Column(name="score", head="score", machine=True)
    yield Column(name="crf", head="CRF")
    for group, split in _PAPER:
        yield Column(name=f"{group}_{split}", head=split, group=group, numeric=True)
    yield Column(name="ours_val", head="val", group="ours", numeric=True, spreads=True)
    yield Column(name="n", head="n", group="ours", numeric=True)
    yield Column(name="ours_test", head="test", group="ours", numeric=True)
    yield Column(name="verdict", head="reproduced", group="verdict")
    yield Column(name="verdict_reported", head="reported", group="verdict")


def _quoted(other: OtherMethod) -> Line:
    names = ("", f"{other.title} [{other.reference}]", other.backbone_title, "", "", "")
    numbers = (Printed(other.reported_val), Printed(other.reported_test), _DASH, _DASH)
    ours: tuple[Cell, ...] = (_DASH, _DASH, _DASH, Words(""), Words(""))
    return Line(cells=(*map(Words, names), *numbers, *ours), group="quoted")


def _lines(findings: Findings, row: Row, losses: str) -> Iterator[Line]:
    """A line for each score of the last stage; what the paper prints stands in the first."""
    names = (row.name, f"{row.title} [{row.reference}]", row.backbone_title, losses)
    paper = [
        printed(findings.number(f"t7/{row.name}/{column}/{losses}/{split}"))
        for column, split in _PAPER
    ]
    above = [_ABOVE] * len(paper), (_ABOVE, _ABOVE, _ABOVE)
    beside = paper, (findings.tested(row, losses), *_rulings(findings, row, losses))
    for label, crf in crf_labels(row, findings.arm(row, losses)).items():
        numbers, rest = beside if label == FINAL else above
        val = findings.ours(row, losses, label, "J")
        texts = map(Words, (*names, label, crf))
        cells = (*texts, *numbers, val, count(val), *rest)
        yield Line(cells=cells, group=row.name)


def _rulings(findings: Findings, row: Row, losses: str) -> Iterator[Cell]:
    """Ours against the paper's own val, then against the reported one, where it prints them.

    The paper's val without losses is a cell of Table 6, with its spread: it is judged there.
    """
    table_6 = f"t6/{row.name}/none/J"
    reproduced = f"t7/{row.name}/reproduced/{losses}/val"
    yield ruling(findings.cell(table_6 if losses == "none" else reproduced))
    cell = findings.cell(f"t7/{row.name}/reported/{losses}/val")
    yield Words("") if cell.status is Status.NOT_JUDGED else ruling(cell)
