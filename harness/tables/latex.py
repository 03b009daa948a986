r"""A table for LaTeX, with the packages booktabs and graphicx; compiles with pdflatex as it is."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from harness.tables.model import Cell, Number, Table, for_people
from harness.terminal import readable

_MARKS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "→": r"$\rightarrow$",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "δ": r"$\delta$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "–": "--",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
#: As wide as the page at most.
_FITTED = r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%"
_NOT_PLAIN = re.compile(r"[^ -~]|[\\~^<>|&%$#_{}]")


def latex(table: Table) -> str:
    """A `table` environment: caption, tabular, notes. No text in it is read as a command."""
    table = for_people(table)
    layout = "".join("r" if column.numeric else "l" for column in table.columns)
    return "\n".join(
        [
            r"% needs \usepackage{booktabs,graphicx}",
            r"\begin{table*}[t]",
            r"\centering",
            rf"\caption{{{_escaped(table.title)}}}",
            _FITTED,
            rf"\begin{{tabular}}{{@{{}}{layout}@{{}}}}",
            r"\toprule",
            *_heads(table),
            r"\midrule",
            *_body(table),
            r"\bottomrule",
            r"\end{tabular}}",
            *_notes(table),
            r"\end{table*}",
            "",
        ]
    )


def _heads(table: Table) -> Iterator[str]:
    if any(column.group for column in table.columns):
        spans = [(name, len(list(own))) for name, own in groupby(c.group for c in table.columns)]
        cells = (rf"\multicolumn{{{n}}}{{c}}{{{_escaped(name)}}}" for name, n in spans)
        yield _line(cells)
        yield "".join(_rules(spans))
    yield _line(_escaped(column.head) for column in table.columns)


def _rules(spans: list[tuple[str, int]]) -> Iterator[str]:
    """A rule below each group's name."""
    at = 1
    for name, width in spans:
        if name:
            yield rf"\cmidrule(lr){{{at}-{at + width - 1}}}"
        at += width


def _body(table: Table) -> Iterator[str]:
    texts = [_line(map(_cell, line.cells)) for line in table.lines]
    for (one, text), (following, _) in pairwise(zip(table.lines, texts, strict=True)):
        yield text
        if one.group != following.group:
            yield r"\midrule"
    yield from texts[-1:]


def _notes(table: Table) -> Iterator[str]:
    if table.notes:
        yield r"\par\medskip\raggedright\footnotesize"
        yield "\n\n".join(map(_escaped, table.notes))


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(cell: Cell) -> str:
    """Numbers in mathematics with a small spread, as the paper sets them."""
    if not isinstance(cell, Number):
        return _escaped(cell.text)
    value, sign, spread = cell.text.partition(" ± ")
    return f"${value}{{\\scriptstyle\\pm{spread}}}$" if sign else f"${value}$"


def _escaped(text: str) -> str:
    return _NOT_PLAIN.sub(lambda found: _mark(found[0]), readable(text))


def _mark(character: str) -> str:
    r"""One character; one that pdflatex has no glyph for as its plain letter or its number."""
    if character in _MARKS:
        return _MARKS[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    if plain.isalnum():
        return plain
    return " " if character.isspace() else f"[U+{ord(character):04X}]"
