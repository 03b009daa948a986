"""Scores, verdicts and the paper's tables on stdout."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.console import streams
from harness.console.layout import Rows, natural_width
from harness.console.tables import show_notes, show_table

if TYPE_CHECKING:
    from harness.tables.formats import Format
    from harness.tables.model import Table as PaperTable
    from harness.verdict.results import Verdict

_NOTHING = frozenset({"", "-"})


def show_scores(
    title: str, rows: Iterable[tuple[Sequence[str], Mapping[str, Sequence[float]]]]
) -> None:
    """Mean and spread of J, F, J&F per group of runs, if there are any."""
    lines = []
    for name, scores in rows:
        cells = [_mean_spread(scores.get(metric, ())) for metric in ("J", "F", "JF")]
        lines.append((*name, str(len(scores.get("J", ()))), *cells))
    columns = ("method", "backbone", "losses", "scored", "seeds", "J", "F", "J&F")
    if lines:
        show_table(title, columns, lines)


def _mean_spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.1f}"
    spread = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
    return f"{mean:.1f} ± {spread:.1f}"


def show_verdict(found: "Verdict") -> None:
    """Rows, cells, claims, and the runs that are listed apart."""
    from harness.verdict import text  # numpy and scipy: other commands need none of it
    from harness.verdict.results import Status as Verdicts

    cells = [cell for cell in found.cells if cell.status is not Verdicts.NOT_JUDGED]
    claims = [*found.claims, *(claim for row in found.rows for claim in row.claims)]
    _show_noted("cells", text.CELL_COLUMNS, map(text.cell_texts, cells), text.cell_notes(cells))
    show_notes([text.LEGEND])
    _show_noted(
        "reported by the publications, against the paper's own reproduction",
        text.CELL_COLUMNS,
        map(text.cell_texts, found.reported),
        text.cell_notes(found.reported),
    )
    _show_noted(
        "claims", text.CLAIM_COLUMNS, map(text.claim_texts, claims), text.claim_notes(claims)
    )
    stray = [f"apart: {run}: {why}" for run, why in found.apart.items()]
    notes = [*text.row_notes(found.rows), *stray]
    _show_noted("rows", text.ROW_COLUMNS, map(text.row_texts, found.rows), notes)
    for line in found.damage:
        streams.err.print(line)


def _show_noted(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str]
) -> None:
    """A table, and what it does not show, below."""
    show_table(title, columns, rows, prose=("claim", "cells", "claims"), optional=("δ", "p"))
    show_notes(f"- {note}" for note in notes)


def show_paper_table(table: "PaperTable", wanted: "Format") -> None:
    """Print a table of the paper; in CSV, which has no place for them, notes go to stderr."""
    from harness.tables.formats import TEXTS, Format
    from harness.tables.model import document

    if wanted is Format.JSON:
        streams.show_json("table", document(table))
        return
    if wanted in TEXTS:
        sys.stdout.write(TEXTS[wanted](table))
        if wanted is Format.CSV:
            for note in table.notes:
                streams.err.print(note)
        return
    _show_in_blocks(table)
    show_notes(table.notes)


def _show_in_blocks(table: "PaperTable") -> None:
    """The columns for people; where they do not fit, in blocks that all have the names."""
    from harness.tables.model import for_people

    table = for_people(table)
    heads = [f"{one.group}\n{one.head}" if one.group else one.head for one in table.columns]
    rows = [[cell.text for cell in line.cells] for line in table.lines]
    names = [at for at, column in enumerate(table.columns) if not column.group]
    for number, columns in enumerate(_blocks(table, names, heads, rows)):
        own = [at for at in columns if at not in names]
        # Each line is in the first block, and in the others where they say something of it.
        shown = [
            at
            for at, row in enumerate(rows)
            if not number or any(row[c] not in _NOTHING for c in own)
        ]
        show_table(
            table.heading,
            [heads[at] for at in columns],
            [[rows[line][at] for at in columns] for line in shown],
            sections=[table.lines[line].group for line in shown],
        )


def _blocks(
    table: "PaperTable", names: Sequence[int], heads: Sequence[str], rows: Rows
) -> list[list[int]]:
    """Columns that fit side by side, groups kept whole where they fit; in a pipe all in one."""

    def fits(columns: Iterable[int]) -> bool:
        width = natural_width(sorted({*names, *columns}), heads, rows)
        return not streams.out.is_terminal or width <= streams.out.width

    blocks: list[list[int]] = [[]]
    for group in _groups(table):
        parts = [group] if fits(group) else [[at] for at in group]
        for part in parts:
            if fits([*blocks[-1], *part]):
                blocks[-1] += part
            else:
                blocks.append([*part])
    return [sorted({*names, *block}) for block in blocks if block or len(blocks) == 1]


def _groups(table: "PaperTable") -> list[list[int]]:
    """The columns of each group, in the order in which groups begin."""
    groups: dict[str, list[int]] = {}
    for at, column in enumerate(table.columns):
        if column.group:
            groups.setdefault(column.group, []).append(at)
    return list(groups.values())
