"""What this machine is: read once, for records."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def describe_machine() -> Mapping[str, object]:
    """OS, kernel, libc, CPU, cores and memory of this machine."""
    return {
        "name": platform.node(),
        "os": _os_name(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(total_memory_gb(), 1),
        "python": platform.python_version(),
    }


def total_memory_gb() -> float:
    """Physical memory in GB (2^30 bytes)."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
