"""The formats of a table, by name."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum

from harness.tables.csv_text import csv_text
from harness.tables.latex import latex
from harness.tables.markdown import markdown
from harness.tables.model import Table, document


class Format(StrEnum):
    """What a table can be printed as."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    CSV = "csv"
    LATEX = "latex"
    JSON = "json"


def json_text(table: Table) -> str:
    """The table's document, keys sorted, on one line."""
    return json.dumps(document(table), sort_keys=True) + "\n"


#: Renderers of the formats that are text; a terminal's is the console's.
TEXTS: Mapping[Format, Callable[[Table], str]] = {
    Format.MARKDOWN: markdown,
    Format.CSV: csv_text,
    Format.LATEX: latex,
    Format.JSON: json_text,
}
