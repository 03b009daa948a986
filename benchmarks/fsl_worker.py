"""One form of FSL at one size, in a process of its own: median time and extra memory as JSON."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.losses import feature_similarity_loss
from harness.losses.fsl_all_pairs import all_pairs_loss

from .machine import median_seconds

Loss = Callable[[Tensor, Tensor], Tensor]
MU, SIGMA = 2.5, 5.0


def loss_form(name: str, reference: Path | None) -> Loss:
    """Return one of the forms compared; ``authors`` comes from the checkout ``reference``."""
    if name == "ours":
        return lambda image, maps: feature_similarity_loss(image, maps, mu=MU, sigma=SIGMA)
    if name == "all-pairs":
        return lambda image, maps: all_pairs_loss(image, maps, MU, SIGMA)
    assert reference is not None
    spec = importlib.util.spec_from_file_location("authors", reference / "tool" / "probutils.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda image, maps: module.feature_similarity_loss(image, maps, MU, SIGMA)


def draw(size: int, batch: int, present: int) -> tuple[Tensor, Tensor]:
    """Draw images and 21 class maps, of which ``present`` are not constant."""
    rng = torch.Generator().manual_seed(size * 100 + batch)
    image = torch.rand(batch, 3, size, size, generator=rng)
    maps = torch.zeros(batch, 21, size, size)
    maps[:, :present] = torch.rand(batch, present, size, size, generator=rng)
    return image, maps


def measure(form: Loss, image: Tensor, maps: Tensor, repeat: int) -> dict[str, float]:
    """Return seconds, extra bytes and value of forward and backward on the tensors' device."""
    point = maps.clone().requires_grad_()

    def work() -> Tensor:
        point.grad = None
        loss = form(image, point)
        loss.backward()
        if image.is_cuda:
            torch.cuda.synchronize()
        return loss

    extra = _cuda_extra(work) if image.is_cuda else _resident_extra(work)
    return {"seconds": median_seconds(work, repeat), "bytes": extra, "value": float(work())}


def _cuda_extra(work: Callable[[], object]) -> int:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    return torch.cuda.max_memory_allocated() - before


def _resident_extra(work: Callable[[], object]) -> int:
    """Return by how much one call raises the highest resident memory; needs a fresh process."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forget the past peak
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(field)]
    return 1024 * int(line.split()[1])


def warm_up() -> None:
    """Load what the first call of any form would load."""
    form = loss_form("ours", None)
    image, maps = draw(8, 1, 3)
    form(image, maps.requires_grad_()).backward()
    all_pairs_loss(image, maps, MU, SIGMA).backward()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("form", choices=["ours", "all-pairs", "authors"])
    for name in ("size", "batch", "present", "repeat", "threads"):
        parser.add_argument(name, type=int)
    parser.add_argument("--reference", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(args.threads)
    warm_up()
    image, maps = draw(args.size, args.batch, args.present)
    form = loss_form(args.form, args.reference)
    json.dump(measure(form, image, maps, args.repeat), sys.stdout)


if __name__ == "__main__":
    main()
