"""Published numbers: what each one is, so that a judge knows what it can support."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from harness.manifest.fields import value

Metric = Literal["J", "F", "JF"]
Split = Literal["train", "val", "test"]
#: printed: read off the paper. dash: the paper prints "-". unknown: in no source at hand.
Status = Literal["printed", "dash", "unknown"]
SpreadKind = Literal["sd", "sem", "ci95", "range", "none"]
Selection = Literal["mean", "best-of-k", "best-of-five-by-val", "unknown"]
Kind = Literal["mean-of-runs", "single", "best-of-five-by-val"]
Percent = Annotated[float, Field(ge=0, le=100)]

DASH, UNKNOWN = "-", "unknown"
_MEAN_SPREAD = re.compile(r"(?P<value>\d{1,2}\.\d+) ± (?P<spread>\d{1,2}\.\d+)")
#: A cell as it is printed: 64.5, 63.9 ± 0.5, "-", or unknown.
Cell = Percent | Annotated[str, StringConstraints(pattern=rf"^(-|unknown|{_MEAN_SPREAD.pattern})$")]


@value
class Number:
    """One cell of a published table, in percent; `value` is None unless it is printed."""

    id: str
    table: Literal[6, 7] | None  # None: of the main paper
    method: str
    backbone: str
    losses: Literal["none", "isl", "fsl", "isl+fsl"]
    metric: Metric
    split: Split
    column: str
    value: Percent | None
    spread: Annotated[float, Field(ge=0)] | None
    spread_kind: SpreadKind | None
    ddof: Literal[0, 1] | None
    runs: Annotated[int, Field(ge=1)] | None
    selection: Selection
    kind: Kind
    decimals: Annotated[int, Field(ge=0)]
    status: Status
    source: str | None
    note: str | None = None
    place: str | None = None


@value
class Claim:
    """A gain that the text states; of one row where `method` and `backbone` are set."""

    id: str
    section: str | None
    table: Literal[6, 7]
    losses: Literal["isl", "fsl", "isl+fsl"]
    against: Literal["none", "reported"]
    metric: Metric
    split: Literal["val", "test"]
    gain: float
    recomputed: float | Literal["agrees"]  # from the printed cells
    status: Status
    place: str
    method: str | None = None
    backbone: str | None = None


@value
class Row:
    """A method on a backbone, and the rows that share its stages 1-6."""

    method: str
    backbone: str
    title: str  # as the paper prints them
    reference: int
    backbone_title: str
    shares: tuple[str, ...]
    unsettled: tuple[Metric, ...] = ()  # with or without CRF: the paper leaves it open

    @property
    def name(self) -> str:
        """METHOD/BACKBONE."""
        return f"{self.method}/{self.backbone}"


@value
class OtherMethod:
    """A method that Table 7 only quotes; J in percent."""

    title: str
    reference: int
    backbone_title: str
    reported_val: Percent
    reported_test: Percent


@value
class Figure:
    """A figure of the text that is no score."""

    id: str
    value: float
    unit: str | None
    place: str
    means: str


@value
class Column:
    """What the numbers of one column are. `id` has the placeholders {row} and {losses}."""

    id: str
    column: str
    metric: Metric
    split: Split
    spread_kind: SpreadKind | None
    ddof: Literal[0, 1] | None
    runs: Annotated[int, Field(ge=1)] | None
    selection: Selection
    kind: Kind
    decimals: Annotated[int, Field(ge=0)]


@value
class Line:
    """One line of a table: a cell for each column."""

    row: str
    losses: Literal["none", "isl", "fsl", "isl+fsl"]
    cells: tuple[Cell, ...]


@value
class PrintedTable:
    """A table as the paper prints it."""

    table: Literal[6, 7] | None
    place: str
    source: str
    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


@value
class _Sections:
    """What the file and the published numbers made from it share."""

    paper: Mapping[str, Any]
    settings: Mapping[str, float]
    sources: Mapping[str, str]
    metrics: Mapping[str, Any]
    figures: tuple[Figure, ...]
    rows: tuple[Row, ...]
    margins: Mapping[str, Any]
    spreads: Mapping[str, Any]
    kinds: Mapping[str, str]
    claims: tuple[Claim, ...]
    not_claimed: tuple[Mapping[str, Any], ...]
    other_methods: tuple[OtherMethod, ...]


@value
class PaperFile(_Sections):
    """`manifests/papers/<paper>.yaml`; the sections that only people read stay as they are."""

    tables: tuple[PrintedTable, ...]


@value
class Published(_Sections):
    """The published numbers: one for each cell of the file's tables."""

    numbers: tuple[Number, ...]

    def row(self, name: str) -> Row:
        """The row METHOD/BACKBONE. Raises KeyError."""
        return {row.name: row for row in self.rows}[name]


def numbers(table: PrintedTable, rows: Mapping[str, Row]) -> Iterator[Number]:
    """Every number of a table, line by line. Each line's row is known and has all its cells."""
    for line in table.lines:
        for column, cell in zip(table.columns, line.cells, strict=True):
            yield _number(table, column, rows[line.row], line.losses, cell)


def _number(table: PrintedTable, column: Column, row: Row, losses: Any, cell: Cell) -> Number:
    printed, spread, status = _read(cell)
    name = column.id.replace("{row}", row.name).replace("{losses}", losses)
    headings = dict.fromkeys((column.column, column.split))  # each once
    return Number(
        id=name,
        table=table.table,
        method=row.method,
        backbone=row.backbone,
        losses=losses,
        metric=column.metric,
        split=column.split,
        column=column.column,
        value=printed,
        spread=spread,
        spread_kind=column.spread_kind,
        ddof=column.ddof,
        runs=column.runs,
        selection=column.selection,
        kind=column.kind,
        decimals=column.decimals,
        status=status,
        source=table.source,
        place=f"{table.place}: {row.title} {row.backbone_title}, {losses}, {' '.join(headings)}",
    )


def _read(cell: Cell) -> tuple[float | None, float | None, Status]:
    """Value, spread and status of a cell as printed."""
    if isinstance(cell, float):
        return cell, None, "printed"
    if match := _MEAN_SPREAD.fullmatch(cell):
        return float(match["value"]), float(match["spread"]), "printed"
    return None, None, "dash" if cell == DASH else "unknown"
