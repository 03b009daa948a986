"""What a figure was measured on, and medians."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def describe(device: str) -> dict[str, str | int]:
    """Return processor, number of CPUs and versions, and the GPU where one was used."""
    import numpy as np
    import torch

    found: dict[str, str | int] = {
        "cpu": _cpu_name(),
        "cpus": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    if device == "cuda":
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def median_seconds(work: Callable[[], object], repeat: int) -> float:
    """Return the median wall-clock time of ``repeat`` calls, after one that does not count."""
    work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
