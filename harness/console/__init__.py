"""Everything a person sees: tables on stdout, progress on stderr, JSON for machines."""

from harness.console.advance import Advance, read_advance
from harness.console.live import Board, progress_bar, users
from harness.console.results import show_paper_table, show_scores, show_verdict
from harness.console.streams import (
    SCHEMA,
    ReadableConsole,
    err,
    has_answered,
    out,
    show_error,
    show_json,
    show_log,
)
from harness.console.tables import show_notes, show_table, show_values
from harness.console.units import clock, duration, size

__all__ = [
    "SCHEMA",
    "Advance",
    "Board",
    "ReadableConsole",
    "clock",
    "duration",
    "err",
    "has_answered",
    "out",
    "progress_bar",
    "read_advance",
    "show_error",
    "show_json",
    "show_log",
    "show_notes",
    "show_paper_table",
    "show_scores",
    "show_table",
    "show_values",
    "show_verdict",
    "size",
    "users",
]
