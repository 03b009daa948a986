"""How long a GPU idles between two steps: a played driver, real leases and processes."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.fake_nvml import Card
from tests.played_nvml import play

from .ours import Harness
from .tool import Call
from .workload import Workload

_RESOURCES = {"paper": {"gpus": 1, "cpus": 1, "memory_gb": 1}}
_CARDS = {"archs": ["sm_90"], "driver": {"minimum": "450.80.02", "source": "played"}}


def rows(*, quick: bool) -> Iterator[dict[str, Any]]:
    """The gaps between the end of a step and the start of the next one on a single GPU."""
    work = Workload(2 if quick else 5)
    gaps: list[float] = []
    with tempfile.TemporaryDirectory() as root:
        for number in range(1 if quick else 5):
            folder = Path(root, str(number))
            folder.mkdir()
            gaps += _gaps(folder, work, Path(root, "cache"))
    yield {
        "what": "GPU idle between two steps",
        "gaps": len(gaps),
        "median": statistics.median(gaps),
        "longest": max(gaps),
    }


def _gaps(folder: Path, work: Workload, cache: Path) -> list[float]:
    harness = Harness(cache)
    harness.write(folder, work, resources=_RESOURCES)
    stacks = folder / "manifests/stacks.yaml"
    stack = json.loads(stacks.read_text())["stacks"]["host"]
    stacks.write_text(json.dumps({"stacks": {"host": stack | _CARDS}}))
    call = harness.run(folder, work)
    environ = play(folder / "played", [Card("GPU-played", capability=(9, 0))], environ=call.environ)
    Call(call.argv, environ).seconds(folder)
    times = sorted(map(_times, folder.glob("runs/store/*/*/record.json")))
    if len(times) != work.steps:
        raise RuntimeError(f"{len(times)} records of {work.steps} steps in {folder}")
    return [(start - end).total_seconds() for (_, end), (start, _) in pairwise(times)]


def _times(record: Path) -> tuple[datetime, datetime]:
    time = json.loads(record.read_text())["time"]
    return datetime.fromisoformat(time["start"]), datetime.fromisoformat(time["end"])
