"""Who this process is, distinct from every other process of every other host."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_MACHINE_ID, _BOOT_ID = Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process: `host` is one boot of one machine (or Slurm node), `start` unmasks reused pids."""

    name: str  # of the host, for people
    host: str
    pid: int
    start: str

    def is_on_machine_of(self, other: "Owner") -> bool:
        """Whether both are of one machine, perhaps of different boots of it."""
        mine, theirs = self.host.split(":"), other.host.split(":")
        return (mine[0], mine[-1]) == (theirs[0], theirs[-1])

    def __str__(self) -> str:
        return f"process {self.pid} on {self.name}"


def this_process() -> Owner:
    """The running process as an owner."""
    pid = os.getpid()
    return Owner(name=platform.node(), host=host_id(), pid=pid, start=_started(pid))


@cache
def host_id() -> str:
    """Machine, boot and Slurm node: several nodes may share one machine, machine ids are copied."""
    names = (_read(_MACHINE_ID), _read(_BOOT_ID), os.environ.get("SLURMD_NODENAME", ""))
    return ":".join(name or "-" for name in (*names[:2], names[2] or platform.node()))


def read_owner(value: Mapping[str, Any]) -> Owner:
    """An owner as JSON holds it."""
    return Owner(**{name: value[name] for name in ("name", "host", "pid", "start")})


def _started(pid: int) -> str:
    """Ticks from boot to the start of a process, if the kernel reports them."""
    words = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return words[19] if words else ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
