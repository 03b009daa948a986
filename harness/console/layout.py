"""Where the cells of a table go: side by side as far as they fit, else on lines of their own."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

Rows = Sequence[Sequence[str]]

GAP = "  "
INDENT = "    "
_LEAST = 24  # columns below which prose is hard to read
_COMMAND = "harness "
_NUMBER = re.compile(r"[≤~]?[-+]?\d[\d,.]*( ± \d[\d.]*)?\*?( [kMG]B| h| %)?|-?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which columns stand side by side, how wide, and which have lines of their own below."""

    beside: Mapping[int, int]  # column -> width
    beneath: tuple[int, ...]
    right: frozenset[int]  # columns of numbers

    @property
    def width(self) -> int:
        """The width of the columns that stand side by side."""
        return sum(self.beside.values()) + len(GAP) * (len(self.beside) - 1)


def lay_out(
    heads: Sequence[str],
    rows: Rows,
    width: int,
    *,
    prose: Collection[str] = (),
    optional: Sequence[str] = (),
) -> Layout:
    """The layout of a table for a terminal of that width.

    What does not fit is made to fit in this order: cells of `prose` wrap at spaces, `optional`
    columns are left out, the widest columns get lines of their own. The first column always stays.
    """
    texts = [[head, *(row[at] for row in rows)] for at, head in enumerate(heads)]
    natural = [max(map(_longest_line, column)) for column in texts]
    least = [
        min(natural[at], max(_LEAST, *map(_longest_word, column))) if heads[at] in prose else wide
        for at, (column, wide) in enumerate(zip(texts, natural, strict=True))
    ]
    kept = _without_optional(heads, least, width, optional)
    beside = _that_fit(kept, least, width)
    return Layout(
        beside=_shared_out(beside, natural, least, width),
        beneath=tuple(at for at in kept if at not in beside),
        right=frozenset(at for at in kept if _is_numeric([row[at] for row in rows])),
    )


def natural_width(columns: Sequence[int], heads: Sequence[str], rows: Rows) -> int:
    """How wide these columns are side by side if nothing wraps."""
    texts = ([heads[at], *(row[at] for row in rows)] for at in columns)
    return sum(max(map(_longest_line, column)) + len(GAP) for column in texts) - len(GAP)


def table_lines(
    heads: Sequence[str], rows: Rows, layout: Layout, width: int
) -> Iterator[list[str]]:
    """The lines of each row, the heads' first; cells without text get no line below."""
    yield _beside(heads, layout)
    names = {at: " ".join(heads[at].split("\n")) for at in layout.beneath}
    label = max(map(cell_len, names.values()), default=0)
    for row in rows:
        lines = _beside(row, layout)
        for at, head in names.items():
            if row[at]:
                name = f"{INDENT}{padded(head, label)}{GAP}" if label else INDENT
                lines += hanging(row[at], width, name)
        yield lines


def hanging(text: str, width: int, name: str = "") -> list[str]:
    """The text wrapped at spaces, behind a name, below which its other lines are indented."""
    room = width - cell_len(name)
    lines = wrapped(text, room)
    return [(name if not at else " " * cell_len(name)) + line for at, line in enumerate(lines)]


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most that width, broken at spaces alone: a longer word stays whole.

    A line that is a command stays whole too, to be copied.
    """
    lines = []
    for paragraph in text.split("\n"):
        if paragraph.startswith(_COMMAND):
            lines.append(paragraph)
            continue
        line = ""
        for word in paragraph.split(" "):
            if line and cell_len(line) + 1 + cell_len(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def padded(text: str, width: int, *, right: bool = False) -> str:
    """The text with the spaces that it lacks of a width."""
    spaces = " " * (width - cell_len(text))
    return spaces + text if right else text + spaces


def _beside(row: Sequence[str], layout: Layout) -> list[str]:
    cells = {at: wrapped(row[at], width) for at, width in layout.beside.items()}
    lines = []
    for number in range(max(map(len, cells.values()))):
        parts = [
            padded(lines_[number] if number < len(lines_) else "", width, right=at in layout.right)
            for (at, lines_), width in zip(cells.items(), layout.beside.values(), strict=True)
        ]
        lines.append(GAP.join(parts).rstrip())
    return lines


def _without_optional(
    heads: Sequence[str], least: Sequence[int], width: int, optional: Sequence[str]
) -> list[int]:
    kept = list(range(len(heads)))
    for name in optional:
        if _total(kept, least) > width and name in heads:
            kept.remove(heads.index(name))
    return kept


def _that_fit(kept: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    beside = list(kept)
    while len(beside) > 1 and _total(beside, least) > width:
        beside.remove(max(beside[1:], key=lambda at: least[at]))
    return beside


def _shared_out(
    beside: Sequence[int], natural: Sequence[int], least: Sequence[int], width: int
) -> dict[int, int]:
    """The width of each column: the widest that may wrap gives way first."""
    widths = {at: natural[at] for at in beside}
    over = _total(beside, natural) - width
    while over > 0 and (wrapping := [at for at in beside if widths[at] > least[at]]):
        widths[max(wrapping, key=lambda at: widths[at])] -= 1
        over -= 1
    return widths


def _total(columns: Sequence[int], widths: Sequence[int]) -> int:
    return sum(widths[at] for at in columns) + len(GAP) * (len(columns) - 1)


def _longest_line(text: str) -> int:
    return max(map(cell_len, text.split("\n")))


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def _is_numeric(cells: Sequence[str]) -> bool:
    return any(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)
