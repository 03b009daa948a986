"""A report as Markdown: for a terminal over ssh, and for the summary of a CI job."""

import re
from collections.abc import Iterator, Sequence

from harness.report.blocks import (
    Block,
    Cell,
    Facts,
    Figure,
    Figures,
    Fold,
    Gallery,
    Grid,
    Report,
    Text,
)
from harness.terminal import readable

_SPECIAL = re.compile(r"[\\`*_\[\]<>|#~]")
_WHITE = re.compile(r"\s+")


def render(report: Report) -> str:
    """The report without its pictures and without what HTML shows on request.

    A chart is told in words.
    """
    lines = [f"# {escaped(report.title)}", "", escaped(report.subtitle), ""]
    for section in report.sections:
        lines += [f"## {escaped(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def escaped(text: str) -> str:
    r"""One line in which nothing is Markdown or HTML, and nothing reaches a terminal but text.

    >>> escaped("a_b | <i>\x1b[31m\nc")
    'a\\_b \\| \\<i\\> c'
    """
    line = _WHITE.sub(" ", readable(text)).strip()
    return _SPECIAL.sub(lambda found: "\\" + found[0], line)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Text():
            yield escaped(block.text)
        case Facts():
            yield from (f"- {escaped(name)}: {escaped(one.text)}" for name, one in block.facts)
        case Grid():
            yield from _grid(block)
        case Figure():
            yield f"*{escaped(block.caption)}*: {escaped(block.alt)}"
        case Figures():
            yield from (f"- *{escaped(one.caption)}*: {escaped(one.alt)}" for one in block.figures)
        case Gallery():
            yield f"*{escaped(block.caption)}*: in the HTML report."
        case Fold():
            yield f"*{escaped(block.summary)}*: in the HTML report."


def _grid(grid: Grid) -> Iterator[str]:
    yield f"**{escaped(grid.caption)}**"
    yield ""
    yield _line([escaped(name) for name in grid.columns])
    yield _line(["---:" if numeric else "---" for numeric in grid.numeric])
    yield from (_line([_cell(one) for one in row]) for row in grid.rows)
    for note in grid.footnotes:
        yield ""
        yield escaped(note)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(one: Cell) -> str:
    text = escaped(one.text)
    return f"**{text}**" if one.strong and text else text
