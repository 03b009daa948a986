"""stdout and stderr, as a person or a machine reads them."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from harness.errors import HarnessError
from harness.terminal import readable, readable_pieces

SCHEMA = 1  # of all that --json prints: docs/schema/output
_answered: list[str] = []  # the commands, of which there is one in a process
_WIDTH = 130  # where there is no terminal to ask


class ReadableConsole(Console):
    """A console to which a string is text alone: neither markup nor what a terminal would obey.

    All strings come by here: those printed, a table's cells and titles. Style comes with `Text`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """The string as rich shows it, made readable first."""
        return super().render_str(readable(text), **settings)


out = ReadableConsole(width=None if sys.stdout.isatty() else _WIDTH)


err = ReadableConsole(stderr=True)


def has_answered() -> bool:
    """Whether something was printed for machines: it is one object."""
    return bool(_answered)


def show_json(command: str, document: Mapping[str, Any]) -> None:
    """Print the answer of a command for machines: with --json stdout holds it and nothing else."""
    value = {"schema": SCHEMA, "command": command, **document}
    _answered.append(command)
    # Indenting a large document takes longer than planning it, and machines need no lines.
    indent = 1 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(value, indent=indent, sort_keys=True) + "\n")


def show_error(error: HarnessError) -> None:
    """Print what broke and what to do, once."""
    err.print(Text("error:", "bold red"), str(error))
    err.print(Text("hint:", "bold"), error.hint)


def show_log(pieces: Iterable[str]) -> None:
    """Print a log, piece by piece as it comes."""
    for piece in readable_pieces(pieces):
        sys.stdout.write(piece)
        sys.stdout.flush()
