"""Verdicts as short texts, for terminals and every other table."""

from collections.abc import Iterable, Sequence

from harness.manifest.paper import Number
from harness.verdict.cells import judged
from harness.verdict.results import FLOOR_NOTE, CellVerdict, ClaimVerdict, RowVerdict
from harness.verdict.spread import summarise

CELL_COLUMNS = ("cell", "published", "ours", "n", "difference [95 %]", "δ", "p", "verdict")
ROW_COLUMNS = ("row", "verdict", "cells", "claims")
CLAIM_COLUMNS = ("claim", "printed", "cells give", "ours [95 %]", "verdict")
LEGEND = f"p: TOST; below 0.05 the difference is shown to be less than δ. * {FLOOR_NOTE}."


def published_text(number: Number) -> str:
    """The number as the paper prints it."""
    if number.value is None:
        return "-" if number.status == "dash" else "?"
    spread = "" if number.spread is None else f" ± {number.spread:.{number.decimals}f}"
    return f"{number.value:.{number.decimals}f}{spread}"


def cell_texts(cell: CellVerdict) -> tuple[str, ...]:
    """One line of the table of cells."""
    found = cell.comparison
    floor = "*" if cell.margin is not None and cell.margin.is_floor else ""
    return (
        cell_name(cell),
        published_text(cell.number),
        _ours(cell),
        str(found.n if found else len(cell.sample.values)),
        f"{found.difference:+.2f} [{found.low:+.2f}, {found.high:+.2f}]" if found else "",
        f"{cell.margin.delta:.2f}{floor}" if cell.margin else "",
        f"{found.p_equivalent:.3f}" if found and found.p_equivalent is not None else "",
        cell.status.value,
    )


def cell_name(cell: CellVerdict) -> str:
    """Row, losses and metric."""
    number = cell.number
    column = " (reported)" if number.column == "reported" else ""
    return f"{cell.row} {number.losses} {number.metric}{column}"


def cell_notes(cells: Iterable[CellVerdict]) -> list[str]:
    """What the table of cells does not show, each note once with the cells that it is about."""
    about: dict[str, list[str]] = {}
    for cell in cells:
        notes = [note for note in cell.notes if note != FLOOR_NOTE]
        notes += [f"{status} by {reading}" for reading, status in cell.sensitivity.items()]
        for note in notes:
            about.setdefault(note, []).append(cell_name(cell))
    return [f"{', '.join(names)}: {note}" for note, names in about.items()]


def row_texts(row: RowVerdict) -> tuple[str, ...]:
    """One line of the table of rows."""
    states = [cell.status.value for cell in judged(row.cells)]
    claims = [claim.status.value for claim in row.claims]
    return (
        row.row.name,
        row.status.value,
        _counted(states),
        _counted(claims),
    )


def claim_texts(claim: ClaimVerdict) -> tuple[str, ...]:
    """One line of the table of claims."""
    ours = ""
    if claim.gain is not None and claim.low is not None:
        ours = f"{claim.gain:+.2f} [{claim.low:+.2f}, {claim.high:+.2f}]"
    elif claim.gain is not None:
        ours = f"τ = {claim.gain:.2f}"
    return (
        claim.text,
        "" if claim.printed is None else f"{claim.printed:+.1f}",
        "" if claim.recomputed is None else f"{claim.recomputed:+.2f}",
        ours,
        claim.status.value,
    )


def claim_notes(claims: Iterable[ClaimVerdict]) -> list[str]:
    """What the table of claims does not show."""
    return [f"{claim.text}: {note}" for claim in claims for note in claim.notes]


def row_notes(rows: Sequence[RowVerdict]) -> list[str]:
    """What the table of rows does not show, and the runs that are listed apart."""
    notes = [f"{row.row.name}: {note}" for row in rows for note in row.notes]
    return [*notes, *(f"apart: {run}: {why}" for row in rows for run, why in row.apart.items())]


def _ours(cell: CellVerdict) -> str:
    values = list(cell.sample.values.values())
    if cell.comparison is not None:
        mean, sd = cell.comparison.mean, cell.comparison.sd
    elif values:
        summary = summarise(values)
        mean, sd = summary.mean, summary.sd
    else:
        return ""
    return f"{mean:.2f}" + ("" if sd is None else f" ± {sd:.2f}")


def _counted(words: list[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
