"""A table as Markdown (GitHub's pipe table), notes below."""

import re
from collections.abc import Iterable

from harness.tables.model import Table, for_people, headings
from harness.terminal import readable

#: What Markdown, or HTML in it, would read as markup.
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")


def markdown(table: Table) -> str:
    """The whole table with its title. No text in it is read as markup."""
    table = for_people(table)
    rule = ("---:" if column.numeric else ":---" for column in table.columns)
    lines = [_line(map(_escaped, headings(table))), _line(rule)]
    lines += [_line(_escaped(cell.text) for cell in line.cells) for line in table.lines]
    notes = [f"- {_escaped(note)}" for note in table.notes]
    return "\n".join([f"**{_escaped(table.heading)}**", "", *lines, "", *notes]).rstrip() + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", readable(text).replace("\n", " "))
