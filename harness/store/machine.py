"""What this machine is: read once, for records."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def describe_machine() -> Mapping[str, object]:
    """OS, kernel, libc, CPU, cores and memory of this machine, and its scheduler's job if any."""
    return {
        "name": platform.node(),
        "os": _os_name(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "machine": platform.machine(),
        "cpu": _cpuinfo("model name") or platform.processor() or "unknown",
        "cpu_flags": sorted((_cpuinfo("flags") or _cpuinfo("Features") or "").split()),
        "governor": _governor(),
        "cores": os.cpu_count(),
        "memory_gb": round(total_memory_gb(), 1),
        "python": platform.python_version(),
        "scheduler": _scheduler(os.environ),
    }


@cache
def file_system(folder: Path) -> str | None:
    """The type of the file system on which a folder lies (`ext4`, `nfs4`, …); None if unknown."""
    places = {}
    for line in _lines(Path("/proc/self/mounts")):
        _, place, kind, *_ = line.split()
        places[Path(place.encode().decode("unicode_escape"))] = kind  # a blank is written \\040
    inside = [place for place in places if folder.resolve().is_relative_to(place)]
    return places[max(inside, key=lambda place: len(place.parts))] if inside else None


def total_memory_gb() -> float:
    """Physical memory in GB (2^30 bytes)."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _cpuinfo(field: str) -> str | None:
    """A field of the first CPU."""
    pairs = (line.partition(":") for line in _lines(Path("/proc/cpuinfo")))
    return next((value.strip() for name, _, value in pairs if name.strip() == field), None)


def _governor() -> str | None:
    """How the first CPU's clock is set; None where the system does not say."""
    lines = _lines(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))
    return lines[0] if lines else None


def _scheduler(environ: Mapping[str, str]) -> Mapping[str, str] | None:
    """Slurm's job and node; None outside a job."""
    if "SLURM_JOB_ID" not in environ:
        return None
    node = environ.get("SLURMD_NODENAME", platform.node())
    return {"name": "slurm", "job": environ["SLURM_JOB_ID"], "node": node}


def _lines(file: Path) -> list[str]:
    """The lines of a file of the kernel; none where this system has no such file."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
