"""Chunks of bytes as a file."""

import io
from collections.abc import Iterable
from typing import Any

_BUFFER = 1 << 20


class Reading(io.RawIOBase):
    """Chunks as a file that is read once, from its start."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._left = iter(chunks), memoryview(b"")

    @classmethod
    def buffered(cls, chunks: Iterable[bytes]) -> io.BufferedReader:
        """The file, with a buffer."""
        return io.BufferedReader(cls(chunks), _BUFFER)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what is next."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        taken = min(len(buffer), len(self._left))
        buffer[:taken], self._left = self._left[:taken], self._left[taken:]
        return taken
