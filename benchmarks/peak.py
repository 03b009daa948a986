"""Peak memory and processor time of this process and of those that read untrusted files for it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_PAUSE_SECONDS = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"  # of /proc/PID/clear_refs
_READER = b"harness.contracts.confined_server"


@dataclass(slots=True)
class Peak:
    """Looks at the readers until its block ends; peaks in bytes, processor time in seconds."""

    own_bytes: int = 0
    own_seconds: float = 0.0
    _readers: dict[int, tuple[int, float]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def reader_bytes(self) -> int:
        """The most that one reader had resident; 0 if none was seen."""
        return max((peak for peak, _ in self._readers.values()), default=0)

    @property
    def seconds(self) -> float:
        """Processor time of this process and of the readers."""
        return self.own_seconds + sum(used for _, used in self._readers.values())

    def __enter__(self) -> Self:
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
        self.own_seconds = -time.process_time()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        assert self._thread is not None
        self._thread.join()
        self.own_seconds += time.process_time()
        self.own_bytes = _peak(os.getpid())

    def _follow(self) -> None:
        servers = [pid for pid in _children(os.getpid()) if _READER in _command(pid)]
        while not self._over.wait(_PAUSE_SECONDS):
            for pid in (pid for server in servers for pid in _children(server)):
                with suppress(OSError, KeyError):  # it ended meanwhile
                    self._readers[pid] = _peak(pid), _used(pid)
        self.own_seconds -= time.thread_time()  # looking is not harness's work


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return int(found["VmHWM"].split()[0]) * 1024


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
