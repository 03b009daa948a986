"""Rows: what their cells and claims come to."""

from collections.abc import Sequence

from harness.manifest.paper import Row
from harness.verdict.cells import judged
from harness.verdict.results import CellVerdict, ClaimVerdict, Held, RowVerdict, Status
from harness.verdict.samples import RowSamples


def row_verdict(
    row: Row,
    cells: Sequence[CellVerdict],
    claims: Sequence[ClaimVerdict],
    samples: RowSamples,
) -> RowVerdict:
    """The verdict of one row, with the runs that it rests on and those listed apart."""
    return RowVerdict(
        row=row,
        status=row_status(cells, claims),
        cells=tuple(cells),
        claims=tuple(claims),
        setting=samples.setting,
        apart=samples.apart,
        notes=_notes(row, claims),
    )


def row_status(cells: Sequence[CellVerdict], claims: Sequence[ClaimVerdict]) -> Status:
    """INCOMPLETE, REPRODUCED-SHIFTED, NOT REPRODUCED, REPRODUCED or CONSISTENT.

    That all cells are equivalent is one claim about each of them, so it needs no correction. A row
    is shifted if a cell is not reproduced and the row keeps its claims.
    """
    found = {cell.status for cell in judged(cells)}
    if not found or Status.INCOMPLETE in found:
        return Status.INCOMPLETE
    if Status.NOT_REPRODUCED in found:
        return Status.SHIFTED if keeps_claims(claims) else Status.NOT_REPRODUCED
    return Status.REPRODUCED if found == {Status.REPRODUCED} else Status.CONSISTENT


def keeps_claims(claims: Sequence[ClaimVerdict]) -> bool:
    """Whether every gain that the paper's own cells show is shown by ours too, and none fails.

    A gain that the paper's cells leave open is no claim of its row: it may stay open. Of some rows
    they show none (MCTformer); such a row says so in its notes.
    """
    shown = all(one.status is Held.HOLDS for one in claims if one.in_paper is Held.HOLDS)
    fails = any(one.status is Held.FAILS for one in claims)
    return shown and not fails


def _notes(row: Row, claims: Sequence[ClaimVerdict]) -> tuple[str, ...]:
    notes = []
    if row.unsettled:
        notes.append(
            f"{', '.join(row.unsettled)}: with or without the CRF is not known; J is after the CRF"
        )
    if not any(one.in_paper is Held.HOLDS for one in claims):
        notes.append("the paper's own cells show no gain of this row, so there is no claim to keep")
    return tuple(notes)
