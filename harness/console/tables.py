"""Tables, named values and notes on stdout: laid out for a terminal, one record a line for a pipe.

In a pipe a table is its heads and its rows, cells separated by tabs, behind a title that begins
with "# "; nothing is wrapped, shortened or left out.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from rich.text import Text

from harness.console import streams
from harness.console.layout import Layout, Rows, hanging, lay_out, padded, table_lines
from harness.console.states import STATE_COLUMNS, state_style
from harness.terminal import readable


def show_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    prose: Collection[str] = (),
    optional: Sequence[str] = (),
    sections: Sequence[str] = (),
) -> None:
    """Print a table; without rows its title says that there are none.

    On a terminal cells of the `prose` columns may wrap at spaces, and the `optional` columns are
    left out, in this order, where the terminal is too narrow. No other cell is ever broken. If each
    row has its section in `sections`, there is a rule between two of them.
    """
    heads = [readable(column) for column in columns]
    cells = [[readable(cell) for cell in row] for row in rows]
    if not streams.out.is_terminal:
        _pipe(title, (heads, *cells))
        return
    if not cells:
        _print(f"{title}: none")
        return
    width = streams.out.width
    layout = lay_out(heads, cells, width, prose=prose, optional=optional)
    _print(*_titled(title, width), *_styled(heads, cells, layout, width, sections), "")


def show_values(title: str, values: Iterable[tuple[str, str]], *, gap: bool = False) -> None:
    """Print names and their values, a line each; a `gap` follows on a terminal."""
    pairs = [(readable(name), readable(value)) for name, value in values]
    if not streams.out.is_terminal:
        _pipe(title, pairs)
        return
    width = streams.out.width
    name_width = max((len(name) for name, _ in pairs), default=0)
    lines = [
        line
        for name, value in pairs
        for line in hanging(value, width, f"{padded(name, name_width)}  ")
    ]
    _print(*_titled(title, width), *lines, *([""] if gap else []))


def show_notes(notes: Iterable[str]) -> None:
    """Print sentences; on a terminal they wrap at spaces."""
    for note in notes:
        text = readable(note)
        begin = text[: len(text) - len(text.lstrip(" "))]
        wraps = streams.out.is_terminal
        _print(*(_hung(text.lstrip(" "), begin) if wraps else [text]))


def _hung(text: str, begin: str) -> list[str]:
    first, *others = hanging(text, streams.out.width - 2, begin)
    return [first, *(f"  {line}" for line in others)]


def _titled(title: str, width: int) -> list[Text]:
    lines = hanging(readable(title), width) if title else []
    return [Text(line, "bold") for line in lines]


def _styled(
    heads: Sequence[str], rows: Rows, layout: Layout, width: int, sections: Sequence[str]
) -> Iterator[Text]:
    """The lines of a table: heads, a rule, and rows whose states have colours."""
    first, *others = table_lines(heads, rows, layout, width)
    rule = Text(("-" if streams.out.options.ascii_only else "─") * layout.width, "dim")
    states = [at for at in layout.beside if _is_state(heads[at])]
    yield from (Text(line, "bold") for line in first)
    yield rule
    for number, (row, lines) in enumerate(zip(rows, others, strict=True)):
        if number and sections and sections[number] != sections[number - 1]:
            yield rule
        yield _coloured(lines[0], row, layout, states)
        yield from map(Text, lines[1:])


def _is_state(head: str) -> bool:
    return any(line in STATE_COLUMNS for line in head.split("\n"))


def _coloured(line: str, row: Sequence[str], layout: Layout, states: Iterable[int]) -> Text:
    """The first line of a row; its states stand there."""
    text, starts = Text(line), _starts(layout)
    for at in states:
        text.stylize(state_style(row[at]), starts[at], starts[at] + layout.beside[at])
    return text


def _starts(layout: Layout) -> dict[int, int]:
    starts, at = {}, 0
    for column, width in layout.beside.items():
        starts[column] = at
        at += width + 2
    return starts


def _pipe(title: str, records: Iterable[Sequence[str]]) -> None:
    """Write records for a pipe, past rich, which would turn tabs into spaces."""
    lines = [f"# {readable(title)}"] if title else []
    lines += ("\t".join(map(_on_one_line, record)) for record in records)
    streams.out.file.write("".join(f"{line}\n" for line in lines))


def _on_one_line(cell: str) -> str:
    return " ".join(cell.split("\n")).replace("\t", " ")


def _print(*lines: str | Text) -> None:
    for line in lines:
        streams.out.print(line)
