"""Output whose reader may go away: a night's work goes on although nobody sees it any more."""

import errno
import io
import os
import sys
from collections.abc import Collection
from typing import Any

_NO_READER = errno.EPIPE  # of a pipe
_NO_TERMINAL = errno.EIO


class _Lasting(io.FileIO):
    """A descriptor that becomes the null device once nothing can be written to it any more."""

    def __init__(self, descriptor: int, gone: Collection[int]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._gone = gone

    def write(self, data: Any, /) -> int:
        """Write what fits; drop it if what it was for is gone."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in self._gone:
                raise
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)
        return memoryview(data).nbytes


def outlast_readers() -> None:
    """Let stdout and stderr outlive their terminal, and stderr its pipe.

    A pipe of stdout that nobody reads ends the command, as `harness logs --follow | head` has to.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        sys.stdout = _lasting(sys.stdout, {_NO_TERMINAL})
    if isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        sys.stderr = _lasting(sys.stderr, {_NO_TERMINAL, _NO_READER})


def _lasting(stream: io.TextIOWrapper, gone: Collection[int]) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_Lasting(stream.fileno(), gone))
    return io.TextIOWrapper(
        buffer,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
    )
