"""A table as CSV: numbers unrounded, mean and spread in columns of their own, no notes."""

import csv
import io
from collections.abc import Iterator

from harness.tables.model import Cell, Column, Number, Table
from harness.terminal import readable


def csv_text(table: Table) -> str:
    """A line of column names, then the lines. A cell without a number is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([name for column in table.columns for name in _names(column)])
    for line in table.lines:
        pairs = zip(table.columns, line.cells, strict=True)
        writer.writerow([value for column, cell in pairs for value in _values(column, cell)])
    return text.getvalue()


def _names(column: Column) -> Iterator[str]:
    yield column.name
    if column.numeric and column.spreads:
        yield f"{column.name}_sd"


def _values(column: Column, cell: Cell) -> Iterator[str]:
    if not column.numeric:
        yield readable(cell.text)
        return
    mean, spread = (cell.value, cell.spread) if isinstance(cell, Number) else (None, None)
    yield "" if mean is None else repr(mean)
    if column.spreads:
        yield "" if spread is None else repr(spread)
