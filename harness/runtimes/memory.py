"""The most memory that a process and all below it had resident at once, from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

_GB = 2**30
_VMSTAT = Path("/proc/vmstat")  # of the whole machine, in containers too
_PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryPeak:
    """Follows processes while they run; `gb` is None until one was seen.

    A page that several processes share counts for each of them. What starts and ends between two
    looks is missed.
    """

    def __init__(self) -> None:
        self.gb: float | None = None

    def look(self, pid: int) -> None:
        """Look once at the process and all below it."""
        pages = sum(_resident_pages(one) for one in _tree(pid))
        if pages:
            self.gb = max(self.gb or 0.0, round(pages * _PAGE / _GB, 4))

    def look_inside(self, pid: int, container: str) -> None:
        """Look once at a container's first process, if that number is the container's here.

        An engine may run on another machine, or number processes otherwise than this one.
        """
        if pid and container in _read(Path(f"/proc/{pid}/cgroup")):
            self.look(pid)


def oom_kills() -> int | None:
    """How many processes the kernel has ended for want of memory; None where it does not say."""
    fields = dict(line.split() for line in _read(_VMSTAT).splitlines())
    return int(fields["oom_kill"]) if "oom_kill" in fields else None


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for thread in _listed(Path(f"/proc/{pid}/task")):
        for child in _read(thread / "children").split():
            yield from _tree(int(child))


def _resident_pages(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) if fields else 0


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # it ended
        return []


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it ended
        return ""
