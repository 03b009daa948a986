"""Output whose reader may go away: a night's work goes on although nobody sees it any more."""

import errno
import io
import os
import sys
from collections.abc import Collection
from typing import Any

from harness.errors import DiskFull
from harness.files import FULL

_NO_READER = errno.EPIPE  # of a pipe
_NO_TERMINAL = errno.EIO


class _Lasting(io.FileIO):
    """A descriptor that drops what it cannot take: for good if that is gone that it was for."""

    def __init__(self, descriptor: int, gone: Collection[int], full: Collection[int]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._gone, self._full = gone, full

    def write(self, data: Any, /) -> int:
        """Write what fits, or drop it."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno in self._gone:
                _drop(self.fileno())
            elif error.errno not in self._full:
                raise
        return memoryview(data).nbytes


def outlast_readers() -> None:
    """Let stdout and stderr outlive their terminal, and stderr its pipe and a full disk.

    A pipe of stdout that nobody reads ends the command, as `harness logs --follow | head` has to.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        sys.stdout = _lasting(sys.stdout, {_NO_TERMINAL}, ())
    if isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        sys.stderr = _lasting(sys.stderr, {_NO_TERMINAL, _NO_READER}, FULL)


def flushed(code: Any) -> Any:
    """The exit code, once all that was printed has left; else that of `unwritten`.

    The interpreter would end with 120 and say which object it was.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        return unwritten(error)
    return code


def unwritten(error: OSError) -> int:
    """The exit code of a command whose answer does not leave: 1 if nobody reads it, else 3."""
    _drop(sys.stdout.fileno())
    if error.errno == _NO_READER:
        return 1
    from harness import console

    hint = "free space where it leads to, or lead it elsewhere"
    full = DiskFull(f"stdout cannot be written: {error.strerror}", hint=hint)
    console.show_error(full)
    return full.exit_code


def _drop(descriptor: int) -> None:
    """Have the null device take what is written from now on."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


def _lasting(
    stream: io.TextIOWrapper, gone: Collection[int], full: Collection[int]
) -> io.TextIOWrapper:
    raw = _Lasting(stream.fileno(), gone, full)
    return io.TextIOWrapper(
        raw if stream.write_through else io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
