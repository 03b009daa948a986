"""Lines of columns that fit the terminal: what a line is about gives way first."""

from collections.abc import Sequence

from rich.text import Text

from harness.terminal import readable

_GAP = "  "
_LEAST = 8  # columns of what a line is about, before the whole line is cut


class Line:
    """Columns, `about` behind the first ones, and an end that may be cut."""

    def __init__(self, *columns: str | Text, about: str, end: str = "") -> None:
        self.columns = [one if isinstance(one, Text) else Text(readable(one)) for one in columns]
        self.about, self.end = readable(about), readable(end)


def fit(lines: Sequence[Line], width: int | None) -> list[Text]:
    """The lines under each other, none wider than `width`; None is as wide as they are."""
    count = max((len(line.columns) for line in lines), default=0)
    widths = [
        max(
            (line.columns[number].cell_len for line in lines if number < len(line.columns)),
            default=0,
        )
        for number in range(count)
    ]
    fixed = sum(one + len(_GAP) for one in widths if one)
    room = max((len(line.about) for line in lines), default=0)
    if width is not None:
        room = min(room, max(width - fixed, _LEAST))
    return [_joined(line, widths, room, width) for line in lines]


def _joined(line: Line, widths: Sequence[int], room: int, width: int | None) -> Text:
    about = Text(line.about)
    about.truncate(room, overflow="ellipsis", pad=True)
    cells = []
    for number, wide in enumerate(widths):
        if wide:
            cell = line.columns[number].copy() if number < len(line.columns) else Text()
            cell.align("left", wide)
            cells.append(cell)
    text = Text(_GAP).join([*cells, about, Text(line.end)])
    text.rstrip()
    if width is not None:
        text.truncate(width, overflow="ellipsis")
    return text
