"""Everything a person sees: tables on stdout, progress on stderr, JSON for machines."""

from harness.console.advance import Advance, read_advance
from harness.console.live import Board, progress_bar, users
from harness.console.streams import ReadableConsole, err, out, show_error, show_json, show_log
from harness.console.tables import (
    show_paper_table,
    show_plan,
    show_scores,
    show_table,
    show_verdict,
)
from harness.console.units import clock, duration, size

__all__ = [
    "Advance",
    "Board",
    "ReadableConsole",
    "clock",
    "duration",
    "err",
    "out",
    "progress_bar",
    "read_advance",
    "show_error",
    "show_json",
    "show_log",
    "show_paper_table",
    "show_plan",
    "show_scores",
    "show_table",
    "show_verdict",
    "size",
    "users",
]
