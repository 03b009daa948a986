"""Verdicts as short texts, for terminals and every other table."""

from harness.manifest.paper import Number
from harness.verdict.results import CellVerdict, ClaimVerdict, RowVerdict, Status
from harness.verdict.spread import summarise

CELL_COLUMNS = ("cell", "published", "ours", "n", "difference [95 %]", "δ", "p", "verdict", "why")
ROW_COLUMNS = ("row", "verdict", "cells", "claims", "notes")
CLAIM_COLUMNS = ("claim", "printed", "cells give", "ours [95 %]", "verdict", "notes")
LEGEND = (
    "p: TOST, below 0.05 the difference is shown to be less than δ. * δ is the floor: a pass does "
    "not speak for the claim of a gain."
)


def published_text(number: Number) -> str:
    """The number as the paper prints it."""
    if number.value is None:
        return "-" if number.status == "dash" else "?"
    spread = "" if number.spread is None else f" ± {number.spread:.{number.decimals}f}"
    return f"{number.value:.{number.decimals}f}{spread}"


def cell_texts(cell: CellVerdict) -> tuple[str, ...]:
    """One line of the table of cells."""
    number = cell.number
    column = f" {number.column}" if number.column == "reported" else ""
    found = cell.comparison
    name = f"{cell.row} {number.losses} {number.metric}{column}"
    floor = "*" if cell.margin is not None and cell.margin.is_floor else ""
    shown = [note for note in cell.notes if not note.startswith("δ is the floor")]
    shown += [f"{status} under: {reading}" for reading, status in cell.sensitivity.items()]
    return (
        name,
        published_text(number),
        _ours(cell),
        str(found.n if found else len(cell.sample.values)),
        f"{found.difference:+.2f} [{found.low:+.2f}, {found.high:+.2f}]" if found else "",
        f"{cell.margin.delta:.2f}{floor}" if cell.margin else "",
        f"{found.p_equivalent:.3f}" if found and found.p_equivalent is not None else "",
        cell.status.value,
        "; ".join(shown),
    )


def row_texts(row: RowVerdict) -> tuple[str, ...]:
    """One line of the table of rows."""
    states = [cell.status for cell in row.cells if cell.status is not Status.NOT_JUDGED]
    claims = [claim.status.value for claim in row.claims]
    return (
        row.row.name,
        row.status.value,
        _counted([state.value for state in states]),
        _counted(claims),
        "; ".join(row.notes),
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
        "; ".join(claim.notes),
    )


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
