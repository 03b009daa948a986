"""Scores, verdicts and the paper's tables on stdout."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import JustifyMethod
from rich.table import Table

from harness.console import streams
from harness.console.tables import show_table

if TYPE_CHECKING:
    from harness.tables.formats import Format
    from harness.tables.model import Table as PaperTable
    from harness.verdict.results import Verdict


def show_scores(
    title: str, rows: Iterable[tuple[Sequence[str], Mapping[str, Sequence[float]]]]
) -> None:
    """Mean and spread of J, F, J&F per group of runs: method, backbone, losses and stage."""
    lines = []
    for name, scores in rows:
        cells = [_mean_spread(scores.get(metric, ())) for metric in ("J", "F", "JF")]
        lines.append((*name, str(len(scores.get("J", ()))), *cells))
    columns = ("method", "backbone", "losses", "scored", "seeds", "J", "F", "J&F")
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
    streams.out.print(text.LEGEND)
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
    show_table(title, columns, rows)
    for note in notes:
        streams.out.print(f"- {note}")


def show_paper_table(table: "PaperTable", wanted: "Format") -> None:
    """Print a table of the paper; in CSV, which has no place for them, notes go to stderr."""
    from harness.tables.formats import TEXTS, Format

    if wanted in TEXTS:
        sys.stdout.write(TEXTS[wanted](table))
        if wanted is Format.CSV:
            for note in table.notes:
                streams.err.print(note)
        return
    streams.out.print(_rich_table(table))
    for note in table.notes:
        streams.out.print(note)


def _rich_table(table: "PaperTable") -> Table:
    """The columns for people, close together; a rule between two groups of lines."""
    from harness.tables.model import for_people

    table = for_people(table)
    shown = Table(
        title=table.heading,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in table.columns:
        head = f"{column.group}\n{column.head}" if column.group else column.head
        justify: JustifyMethod = "right" if column.numeric else "left"
        shown.add_column(head, justify=justify, overflow="fold")
    for line, following in zip(table.lines, (*table.lines[1:], None), strict=True):
        ends = following is not None and following.group != line.group
        shown.add_row(*(cell.text for cell in line.cells), end_section=ends)
    return shown
