"""The formats of a table, by name."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from harness.tables.csv_text import csv_text
from harness.tables.latex import latex
from harness.tables.markdown import markdown
from harness.tables.model import Table


class Format(StrEnum):
    """What a table can be printed as."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    CSV = "csv"
    LATEX = "latex"
    JSON = "json"


#: Renderers of the formats that are text; a terminal's and JSON are the console's.
TEXTS: Mapping[Format, Callable[[Table], str]] = {
    Format.MARKDOWN: markdown,
    Format.CSV: csv_text,
    Format.LATEX: latex,
}
