"""The paper's tables beside our runs, as `harness table` prints them."""

from collections.abc import Iterable, Mapping

from harness.report.blocks import Block, Grid, Section, Text, Tone, cell, number
from harness.report.blocks import Cell as Shown
from harness.report.tones import TONES
from harness.tables.findings import Findings
from harness.tables.model import (
    Absent,
    Cell,
    Count,
    Gap,
    Measured,
    Printed,
    Ruling,
    Table,
    for_people,
    headings,
)
from harness.tables.stages import stages
from harness.tables.table_6 import table_6
from harness.tables.table_7 import table_7


def tables(findings: Findings, shown: Iterable[str]) -> Section | None:
    """Tables 6 and 7 and the stages, whole; None if no row METHOD/BACKBONE of them is shown."""
    if findings.runs.keys().isdisjoint(shown):
        return None
    every = (table_6(findings), table_7(findings), stages(findings))
    text = (
        "The paper's numbers, ours (mean ± standard deviation over seeds, ddof 1; below them every "
        "seed) and the verdicts."
    )
    blocks: list[Block] = [Text(text=text), *(grid_of(table) for table in every)]
    return Section(id="tables", title="Tables of the paper", blocks=blocks)


def grid_of(table: Table) -> Grid:
    """A table of the paper as a grid of the report."""
    people = for_people(table)
    return Grid(
        caption=_caption(table),
        columns=headings(people),
        rows=tuple(tuple(_shown(one) for one in line.cells) for line in people.lines),
        footnotes=table.notes,
    )


def _caption(table: Table) -> str:
    return f"Table {table.name}: {table.title}" if isinstance(table.name, int) else table.title


def _shown(one: Cell) -> Shown:
    match one:
        case Measured():
            return Shown(text=one.text, sort=one.value, below=_seeds(one.by_seed))
        case Printed() | Gap() | Count():
            return number(one.value, one.text)
        case Ruling():
            tone = TONES.get(one.text, Tone.PLAIN)
            return cell(one.text, tone=tone, title=one.note, strong=True)
        case Absent():
            return cell(one.text, tone=Tone.MUTED)
        case _:
            return cell(one.text)


def _seeds(by_seed: Mapping[int, float]) -> str:
    return " ".join(f"{value:.1f}" for _, value in sorted(by_seed.items()))
