"""Reproduced or not: the verdict on each row, claim and cell of the paper's tables."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from harness.report.blocks import Block, Cell, Fold, Grid, Section, Text, Tone, cell, number
from harness.report.tones import TONES
from harness.verdict.cells import judged
from harness.verdict.results import CellVerdict, ClaimVerdict, Held, RowVerdict, Status, Verdict


def verdicts(verdict: Verdict, shown: Iterable[str]) -> Section | None:
    """The verdict on the rows METHOD/BACKBONE that are shown; None if the paper has none of them.

    Claims about all rows stand there too: they rest on every run, shown or not.
    """
    names = frozenset(shown)
    rows = [row for row in verdict.rows if row.row.name in names]
    if not rows:
        return None
    blocks: list[Block] = [
        Text(
            text=f"Judged against the numbers of {verdict.paper}, {verdict.seeds} seeds a cell. "
            "REPRODUCED: the mean lies within the margin of the paper's, shown by an equivalence "
            "test. CONSISTENT: neither equality nor a difference is shown. PyTorch promises no "
            "equal results across releases or platforms."
        ),
        _rows(rows),
        _claims("Claims about all rows", verdict.claims),
        *(_details(row) for row in rows),
    ]
    return Section(id="verdict", title="Verdict", blocks=blocks)


def _rows(rows: list[RowVerdict]) -> Grid:
    lines = tuple(
        (
            cell(row.row.name, strong=True),
            _status(row.status),
            *(number(_count(judged(row.cells), status), digits=0) for status in _COUNTED),
            cell(_held(row.claims)),
        )
        for row in rows
    )
    columns = ("row", "verdict", *(status.lower() for status in _COUNTED), "claims")
    return Grid(caption="Rows of the paper's tables", columns=columns, rows=lines)


_COUNTED: Final = (
    Status.REPRODUCED,
    Status.CONSISTENT,
    Status.NOT_REPRODUCED,
    Status.INCOMPLETE,
)


def _count(cells: Iterable[CellVerdict], status: Status) -> int:
    return sum(one.status is status for one in cells)


def _held(claims: Iterable[ClaimVerdict]) -> str:
    counts = Counter(claim.status for claim in claims)
    return ", ".join(f"{counts[status]} {status}" for status in Held if counts[status])


def _status(status: Status | Held) -> Cell:
    return cell(str(status), tone=TONES[status], strong=True)


def _claims(caption: str, claims: Iterable[ClaimVerdict]) -> Grid:
    rows = tuple(
        (
            cell(claim.text),
            _status(claim.status),
            number(claim.gain, digits=2),
            cell(_interval(claim.low, claim.high)),
            number(claim.printed, digits=1),
            cell("; ".join(claim.notes), tone=Tone.MUTED),
        )
        for claim in claims
    )
    columns = ("claim", "verdict", "ours", "95 % interval", "printed", "notes")
    return Grid(caption=caption, columns=columns, rows=rows)


def _details(row: RowVerdict) -> Fold:
    return Fold(summary=f"{row.row.name}: every cell and claim", blocks=tuple(_detailed(row)))


def _detailed(row: RowVerdict) -> Iterator[Block]:
    rows = tuple(_cell_row(one) for one in row.cells)
    columns = (
        "cell", "verdict", "printed", "ours", "n", "difference", "95 % interval", "margin", "notes",
    )  # fmt: skip
    yield Grid(caption=f"Cells of {row.row.name}", columns=columns, rows=rows)
    if row.claims:
        yield _claims(f"Claims about {row.row.name}", row.claims)
    for note in row.notes:
        yield Text(text=note, tone=Tone.MUTED)
    if row.apart:
        lines = tuple((cell(run, code=True), cell(why)) for run, why in row.apart.items())
        yield Grid(
            caption="Runs that are not pooled with these", columns=("run", "why"), rows=lines
        )


def _cell_row(one: CellVerdict) -> tuple[Cell, ...]:
    found = one.comparison
    notes = [*one.notes, *(f"{status} {reading}" for reading, status in one.sensitivity.items())]
    return (
        cell(one.number.id, code=True),
        _status(one.status),
        number(one.number.value, _printed(one)),
        number(found.mean if found else None, digits=2),
        number(len(one.sample.values), digits=0),
        number(found.difference if found else None, digits=2),
        cell(_interval(found.low, found.high) if found else ""),
        number(one.margin.delta if one.margin else None, digits=2),
        cell("; ".join(notes), tone=Tone.MUTED),
    )


def _printed(one: CellVerdict) -> str:
    spread = "" if one.number.spread is None else f" ± {one.number.spread:g}"
    return f"{one.number.value:g}{spread}" if one.number.value is not None else ""


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"
