"""What a verdict is made of: one value per cell, claim and row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.manifest.paper import Number, Row
from harness.verdict.margin import Margin

FLOOR_NOTE = "δ is the floor: a pass does not speak for the claim of a gain"


class Status(StrEnum):
    """What is said about a cell, or about a row as a whole."""

    REPRODUCED = "REPRODUCED"
    SHIFTED = "REPRODUCED-SHIFTED"  # rows only: other numbers, the same claims
    CONSISTENT = "CONSISTENT"
    NOT_REPRODUCED = "NOT REPRODUCED"
    INCOMPLETE = "INCOMPLETE"
    NOT_JUDGED = "NOT JUDGED"


class Held(StrEnum):
    """What is said about a claim."""

    HOLDS = "HOLDS"
    FAILS = "FAILS"
    OPEN = "OPEN"


@dataclass(frozen=True, slots=True)
class Sample:
    """Our values of one cell, in percent. Every seed that was tried is in one of the two."""

    values: Mapping[int, float] = field(default_factory=dict)  # by seed
    unscored: Mapping[int, str] = field(default_factory=dict)  # seed -> why it has no score


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Our mean (or the paper's own) against a published number, in points and percent."""

    mean: float
    sd: float | None  # ddof 1
    n: int
    difference: float  # mean − published
    low: float  # the 95 % interval of the difference
    high: float
    p_equivalent: float | None  # TOST; None for single numbers, which it cannot confirm
    p_different: float
    p_holm: float  # p_different, adjusted for all judged cells of the table


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVerdict:
    """One published number, and what our runs say about it."""

    number: Number
    status: Status
    sample: Sample
    margin: Margin | None = None
    comparison: Comparison | None = None
    seeds_needed: int | None = None  # of ours, to settle an open cell; None: see `notes`
    best_of: float | None = None  # of how many runs like ours a single number is the best
    notes: tuple[str, ...] = ()
    sensitivity: Mapping[str, Status] = field(default_factory=dict)  # reading -> other verdict

    @property
    def row(self) -> str:
        """METHOD/BACKBONE."""
        return f"{self.number.method}/{self.number.backbone}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVerdict:
    """A gain or an order that the paper claims or its cells show, and what our runs say about it.

    `gain` and its 95 % interval are ours; of an order, `gain` is Kendall's τ, −1 to 1.
    """

    id: str
    text: str
    status: Held
    row: str | None = None  # None: a claim about all rows
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None  # one-sided, of gain > 0
    printed: float | None = None  # the gain in the paper's text
    recomputed: float | None = None  # the same from the paper's cells
    by_seed: Mapping[int, float] = field(default_factory=dict)  # paired gains: shown, never tested
    in_paper: Held | None = None  # what the paper's own cells say; None: they print no spread
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowVerdict:
    """A row of the paper's tables: its cells, its claims, and which runs they rest on."""

    row: Row
    status: Status
    cells: tuple[CellVerdict, ...]
    claims: tuple[ClaimVerdict, ...]
    setting: Mapping[str, str]  # stack, options, … of the runs that are judged
    apart: Mapping[str, str]  # run -> why it is not pooled with them
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The whole: rows, claims about all rows, and the paper's reported numbers against its own."""

    paper: str
    seeds: int  # planned per cell
    rows: tuple[RowVerdict, ...]
    claims: tuple[ClaimVerdict, ...]
    reported: tuple[CellVerdict, ...]
    apart: Mapping[str, str]  # runs that are in no row of the paper
    damage: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[CellVerdict, ...]:
        """The cells of all rows."""
        return tuple(cell for row in self.rows for cell in row.cells)
