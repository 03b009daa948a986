"""Commands at a real terminal: what a person sees, as text, and what they type.

    shown = screen(project.argv("status"), columns=80, rows=24)

    with Terminal(argv, columns=80, rows=24) as terminal:
        terminal.wait_for(r"train-cam +\\d+/15")
        terminal.type(CTRL_C)
        code = terminal.end()

The program runs at the far side of a pseudo-terminal, and a terminal in software (pyte) obeys what
it prints. So cursor movements, colours and line breaks are what they would be on a screen.
`check_screen` compares with `tests/golden/screens/NAME.txt`, which `HARNESS_SCREENS=write` writes.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import tempfile
import termios
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pyte

CTRL_C = "\x03"
FOLDER = Path(__file__).parent / "golden" / "screens"
_PATIENCE_SECONDS = 120.0  # a test that waits for so long has failed
#: What differs from call to call, in this order.
_MASKS = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "YYYY-MM-DD hh:mm:ss UTC"),
    (r"UTC on [^,\n]+", "UTC on HOST"),
    (r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b", "KEY"),
    (r"\b[0-9a-f]{16}-[0-9a-f]{12}\b", "ATTEMPT"),
    (r"\b(\d+:)?\d+:\d\d (min|h)\b|\b\d+\.\d s\b", "TIME"),
    (r"\b(\d+:)?\d+:\d\d\b", "TIME"),
    (r"\b\d+(\.\d+)? GB", "SIZE"),
    (r" *TIME", " TIME"),
)


class _Screen(pyte.HistoryScreen):
    """A screen that knows which lines go on in the next for want of columns."""

    _drawing = False

    def draw(self, data: str) -> None:
        self._drawing = True
        super().draw(data)
        self._drawing = False

    def linefeed(self) -> None:
        # A line is a dictionary of its own, which moves up as one when the screen scrolls.
        self.buffer[self.cursor.y].goes_on = self._drawing
        super().linefeed()

    def text_of(self, lines: Iterable[Any]) -> str:
        text = ""
        for line in lines:
            row = "".join(line[column].data for column in range(self.columns))
            text += row if getattr(line, "goes_on", False) else f"{row.rstrip()}\n"
        return text


class Terminal:
    """A program at a terminal of that size."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = _Screen(columns, rows, history=1000, ratio=0.5)
        self._stream = pyte.ByteStream(self.screen)
        self._argv, self._size = list(argv), struct.pack("HHHH", rows, columns, 0, 0)
        self._environ = {**(os.environ if environ is None else environ), "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            self._environ.pop(name, None)
        self._pid, self._end = 0, -1

    def __enter__(self) -> Self:
        self._pid, self._end = pty.fork()
        if self._pid == 0:  # the program's side
            # Ignored where tests run in the background.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSWINSZ, self._size)
            os.execvpe(self._argv[0], self._argv, self._environ)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._end)

    @property
    def pid(self) -> int:
        """The program's."""
        return self._pid

    @property
    def text(self) -> str:
        """What is on the screen now, lines as they were printed, without blanks at ends."""
        lines = (self.screen.buffer[row] for row in range(self.screen.lines))
        return self.screen.text_of(lines).rstrip() + "\n"

    @property
    def rows(self) -> list[str]:
        """What is on the screen now, row by row: a line that is too long is in several."""
        return [row.rstrip() for row in self.screen.display]

    @property
    def scrollback(self) -> str:
        """What left the screen at its top."""
        return self.screen.text_of(self.screen.history.top)

    def type(self, text: str) -> None:
        """Type it."""
        os.write(self._end, text.encode())

    def wait_for(self, pattern: str) -> str:
        """Read on until the screen matches; the screen. Fails if the program ends before."""
        while not re.search(pattern, self.text):
            assert self._read(), f"the program ended without showing {pattern!r}:\n{self.text}"
        return self.text

    def end(self) -> int:
        """Read on until the program ends; its exit code."""
        while self._read():
            pass
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        """Show the next that it prints; False once it has closed its side."""
        ready, _, _ = select.select([self._end], [], [], _PATIENCE_SECONDS)
        assert ready, f"nothing for {_PATIENCE_SECONDS:g} seconds:\n{self.text}"
        try:
            printed = os.read(self._end, 65536)
        except OSError:  # how Linux says that the other side is closed
            return False
        self._stream.feed(printed)
        return bool(printed)


def screen(
    command: Sequence[str],
    columns: int = 80,
    rows: int = 24,
    environ: Mapping[str, str] | None = None,
) -> str:
    """The screen that a command leaves when it has ended."""
    with Terminal(command, columns=columns, rows=rows, environ=environ) as terminal:
        terminal.end()
        return terminal.text


def masked(text: str, replace: Mapping[str, str] | None = None) -> str:
    """`text` without what differs from call to call; `replace` has more patterns, such as paths."""
    for pattern, name in (*(replace or {}).items(), *_MASKS):
        text = re.sub(pattern, name, text)
    return text


def check_screen(name: str, text: str, replace: Mapping[str, str] | None = None) -> None:
    """Compare with the golden screen of that name, or write it.

    What scrolls off depends on how many rows a path takes: see `folder`.
    """
    file, found = FOLDER / f"{name}.txt", masked(text, replace)
    if os.environ.get("HARNESS_SCREENS") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder whose path has the same, small length every time."""
    with tempfile.TemporaryDirectory(prefix="h-", dir="/tmp") as path:
        yield Path(path)
