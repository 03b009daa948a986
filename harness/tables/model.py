"""A table as a value: typed cells in lines and columns, with the notes that stand under it.

A renderer needs nothing but this module. Every cell has a `text` for people and, for machines, a
`plain` value: unrounded, and None where there is no number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import mean, stdev
from typing import Any, Literal

DECIMALS = 1  # as the paper prints

#: Why a cell has no number: the paper prints "-", no source at hand has it, no run made it, or the
#: line above has it.
Reason = Literal["dash", "unknown", "no runs", "above"]
_IN_PLACE: Mapping[Reason, str] = {"dash": "-", "unknown": "unknown", "no runs": "-", "above": ""}


@dataclass(frozen=True, slots=True)
class Words:
    """A text."""

    text: str

    @property
    def plain(self) -> str:
        """The text."""
        return self.text


@dataclass(frozen=True, slots=True)
class Names:
    """Several names."""

    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of them."""
        return ", ".join(self.names)

    @property
    def plain(self) -> list[str]:
        """Each of them."""
        return list(self.names)


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as the paper prints it, in percent."""

    value: float
    spread: float | None = None
    decimals: int = DECIMALS

    @property
    def text(self) -> str:
        """63.9 ± 0.5."""
        return _mean_spread(self.value, self.spread, self.decimals)

    @property
    def plain(self) -> dict[str, Any]:
        """The value and its spread."""
        return {"value": self.value, "spread": self.spread}


@dataclass(frozen=True, slots=True)
class Measured:
    """What our runs gave, in percent, by seed (one at least): every seed counts."""

    by_seed: Mapping[int, float]

    @property
    def value(self) -> float:
        """The mean over seeds."""
        return mean(self.by_seed.values())

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds with ddof 1; None for one seed."""
        return stdev(self.by_seed.values()) if len(self.by_seed) > 1 else None

    @property
    def text(self) -> str:
        """63.9 ± 0.5."""
        return _mean_spread(self.value, self.spread, DECIMALS)

    @property
    def plain(self) -> dict[str, Any]:
        """Mean, standard deviation, and the value of each seed."""
        seeds = {str(seed): value for seed, value in sorted(self.by_seed.items())}
        return {"mean": self.value, "sd": self.spread, "n": len(seeds), "seeds": seeds}


@dataclass(frozen=True, slots=True)
class Seeds:
    """The scores of a cell that lacks seeds, in percent: the mean of the survivors is no mean."""

    by_seed: Mapping[int, float]

    @property
    def text(self) -> str:
        """63.4, 64.1."""
        return ", ".join(f"{value:.{DECIMALS}f}" for _, value in sorted(self.by_seed.items()))

    @property
    def plain(self) -> dict[str, Any]:
        """As of a complete cell, without mean and standard deviation."""
        seeds = {str(seed): value for seed, value in sorted(self.by_seed.items())}
        return {"mean": None, "sd": None, "n": len(seeds), "seeds": seeds}


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference in points, ours minus the paper's."""

    value: float

    @property
    def spread(self) -> None:
        """None."""
        return

    @property
    def text(self) -> str:
        """+1.1."""
        return f"{self.value:+.{DECIMALS}f}"

    @property
    def plain(self) -> float:
        """The points."""
        return self.value


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number."""

    value: int

    @property
    def spread(self) -> None:
        """None."""
        return

    @property
    def text(self) -> str:
        """Its digits."""
        return str(self.value)

    @property
    def plain(self) -> int:
        """The number."""
        return self.value


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict and what goes with it."""

    text: str
    note: str = ""

    @property
    def plain(self) -> dict[str, str]:
        """The verdict and its note."""
        return {"verdict": self.text, "note": self.note}


@dataclass(frozen=True, slots=True)
class Absent:
    """No number, and why."""

    reason: Reason

    @property
    def text(self) -> str:
        """What stands in its place."""
        return _IN_PLACE[self.reason]

    @property
    def plain(self) -> None:
        """None."""
        return


Number = Printed | Measured | Gap | Count
Cell = Words | Names | Number | Seeds | Ruling | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: `name` is unique in its table; equal neighbouring `group`s share a heading."""

    name: str
    head: str
    group: str = ""
    numeric: bool = False  # holds numbers, or nothing
    spreads: bool = False  # they have a spread
    machine: bool = False  # for machines: people read it off the columns beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. Lines of one `group` stand together: a rule goes between two groups."""

    cells: tuple[Cell, ...]
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A whole table. Every line has a cell for each column."""

    name: int | str  # as the command line has it: 6, 7, 8, stages
    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The title, with the number that the paper gives the table."""
        return f"Table {self.name}: {self.title}" if isinstance(self.name, int) else self.title


def for_people(table: Table) -> Table:
    """The table without the columns that only machines need."""
    kept = [index for index, column in enumerate(table.columns) if not column.machine]
    lines = (replace(one, cells=tuple(one.cells[i] for i in kept)) for one in table.lines)
    columns = tuple(table.columns[index] for index in kept)
    return replace(table, columns=columns, lines=tuple(lines))


def document(table: Table) -> dict[str, Any]:
    """The table as JSON: each row is a mapping by the names of the columns."""
    names = [column.name for column in table.columns]
    rows = [[cell.plain for cell in line.cells] for line in table.lines]
    return {
        "table": table.name,
        "title": table.title,
        "rows": [_named(dict(zip(names, row, strict=True))) for row in rows],
        "notes": list(table.notes),
    }


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """The row with a name: METHOD/BACKBONE, else the method."""
    return {"name": row.get("row") or row["method"], **row}


def headings(table: Table) -> tuple[str, ...]:
    """One heading for each column, its group's name before its own."""
    return tuple(f"{column.group} {column.head}".strip() for column in table.columns)


def _mean_spread(value: float, spread: float | None, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text if spread is None else f"{text} ± {spread:.{decimals}f}"
