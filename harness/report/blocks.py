"""What a report is made of: values that a renderer turns into HTML or Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class Tone(StrEnum):
    """How a text is meant; a renderer may colour it."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    MUTED = "muted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a grid."""

    text: str
    sort: float | None = None  # what the column is sorted by, if not by the text
    href: str | None = None  # https://... or #anchor
    tone: Tone = Tone.PLAIN
    title: str = ""  # more, where there is room for it
    below: str = ""  # small, under the text
    code: bool = False
    strong: bool = False

    @property
    def numeric(self) -> bool:
        """Whether the cell holds a number."""
        return self.sort is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table. `footnotes` follow it."""

    kind: ClassVar[str] = "grid"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    footnotes: tuple[str, ...] = ()

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Of each column, whether it holds numbers."""
        return tuple(any(row[at].numeric for row in self.rows) for at in range(len(self.columns)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart as SVG of our own making; `alt` says in words what it shows."""

    kind: ClassVar[str] = "figure"
    svg: str
    caption: str
    alt: str
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Charts side by side."""

    kind: ClassVar[str] = "figures"
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One picture of a gallery; without `src` it is a gap. `src` is a data: URI."""

    src: str | None
    alt: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Pictures in rows, one row for each image of the data set."""

    kind: ClassVar[str] = "gallery"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Tile, ...]], ...]  # image id, its pictures
    legend: tuple[tuple[str, str], ...]  # class, its colour as #rrggbb


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A few figures at a glance."""

    kind: ClassVar[str] = "facts"
    facts: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Blocks that are shown on request."""

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: "Sequence[Block]"
    anchor: str = ""


Block = Text | Grid | Figure | Figures | Gallery | Facts | Fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report under a heading."""

    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...] = field(default=())


def cell(text: str, **more: object) -> Cell:
    """A cell of a text."""
    return Cell(text=text, **more)  # type: ignore[arg-type]


def number(
    value: float | None, text: str | None = None, *, digits: int = 1, title: str = ""
) -> Cell:
    """A cell of a number, which its column is sorted by; a dash without one."""
    if value is None:
        return Cell(text="–", tone=Tone.MUTED)
    return Cell(text=text if text is not None else f"{value:.{digits}f}", sort=value, title=title)
