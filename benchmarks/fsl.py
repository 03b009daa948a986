"""FSL forward and backward: ours against all pairs in torch and against the authors' function."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPEAT = 5
PAIR_BYTES = 40  # what all pairs take per pair of pixels, in float32, at their peak
USUAL = 3  # present channels; cases with others and larger maps are of ours alone
LARGEST = 112
MEMORY = {"cpu": 9 << 30, "cuda": 120 << 30}


@dataclass(frozen=True)
class Case:
    """One measurement: square maps of ``size``, ``present`` of 21 channels not constant."""

    size: int
    batch: int
    present: int

    def fits(self, device: str) -> bool:
        """Whether all pairs of this case fit into the memory of a usual machine."""
        return self.batch * self.size**4 * PAIR_BYTES <= MEMORY[device]


CASES = (
    *(Case(size, batch, 3) for size in (28, 56, 112) for batch in (1, 8)),
    *(Case(56, 8, present) for present in (1, 4, 21)),
    *(Case(size, 1, 3) for size in (168, 224)),
)


def run(device: str, reference: Path | None, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Measure every case in turn; yield one row each."""
    for case in (Case(28, 1, 3), Case(56, 8, 3)) if quick else CASES:
        forms = ["ours"]
        if case.fits(device) and case.present == USUAL and case.size <= LARGEST:
            forms += ["all-pairs"] + (["authors"] if reference else [])
        found = {form: _measured(form, case, device, reference) for form in forms}
        yield {"size": case.size, "batch": case.batch, "present": case.present, **_row(found)}


def _row(found: dict[str, dict[str, float]]) -> dict[str, Any]:
    ours = found["ours"]
    ratios = {
        form: {
            "times_faster": other["seconds"] / ours["seconds"],
            "times_less_memory": other["bytes"] / max(1, ours["bytes"]),
        }
        for form, other in found.items()
        if form != "ours"
    }
    return {"measured": found, "against": ratios}


def _measured(form: str, case: Case, device: str, reference: Path | None) -> dict[str, float]:
    if device == "cuda":
        return _on_gpu(form, case, reference)
    numbers = [case.size, case.batch, case.present, REPEAT, len(os.sched_getaffinity(0))]
    command = [sys.executable, "-m", "benchmarks.fsl_worker", form, *map(str, numbers)]
    if reference:
        command += ["--reference", str(reference)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    found: dict[str, float] = json.loads(text)
    return found


def _on_gpu(form: str, case: Case, reference: Path | None) -> dict[str, float]:
    import torch

    from .fsl_worker import draw, loss_form, measure, warm_up

    warnings.simplefilter("ignore")
    warm_up()
    image, maps = (tensor.cuda() for tensor in draw(case.size, case.batch, case.present))
    loss_form("ours", None)(image, maps)
    torch.cuda.empty_cache()
    return measure(loss_form(form, reference), image, maps, REPEAT * 4)
