"""Check and write the backbone of ScaleNet-101, the initial weights of PMM's second CAM network.

``python -m harness.glue.scalenet --weights FILE --out FILE.pth`` writes the backbone only. PMM's
script loads the tensors with known names and keeps the others random. The tool therefore fails
unless every tensor is in the file and has the expected shape. The classifier and the counters of
batch norm are omitted. ``--random`` writes random weights instead.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.glue.random_weights import Network, write

EXPANSION = 4
BLOCKS = (3, 4, 23, 3)
#: For each block, the channels of the four scales of its second convolution, and the side of its
#: feature map for a 224 x 224 input. PMM reads the same file: structures/scalenet101.json of
#: Eli-YiLi/ScaleNet.
Structure = Sequence[Sequence[int]]
Shapes = dict[str, tuple[int, ...]]


def shapes(structure: Structure) -> Shapes:
    """Return the shapes of the tensors by their names in a state dict, without counters."""
    if len(structure) != sum(BLOCKS):
        msg = f"expected a structure of {sum(BLOCKS)} blocks, found {len(structure)}"
        raise ValueError(msg)
    found: Shapes = {"conv1.weight": (64, 3, 7, 7)} | _norm("bn1", 64)
    rows = iter(structure)
    inside = 64
    for level, count in enumerate(BLOCKS, start=1):
        middle = 32 * 2**level
        for number in range(count):
            name = f"layer{level}.{number}"
            if number == 0:
                found[f"{name}.downsample.0.weight"] = (middle * EXPANSION, inside, 1, 1)
                found |= _norm(f"{name}.downsample.1", middle * EXPANSION)
            found |= _block(name, inside, middle, next(rows))
            inside = middle * EXPANSION
    return found


def branch_scale(name: str) -> float:
    """Return the scale of a random tensor; small at the end of a branch, to bound residual sums."""
    return 0.1 if name.endswith(".bn3.weight") else 1.0


def backbone(weights: Any, structure: Structure) -> dict[str, Any]:
    """Return the backbone's tensors. Raises ValueError if one is missing or has another shape."""
    wanted = shapes(structure)
    for name, shape in wanted.items():
        found = tuple(weights[name].shape) if name in weights else None
        if found != shape:
            msg = f"expected {name} of shape {shape}, found {found}"
            raise ValueError(msg)
    return {name: weights[name] for name in wanted}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; an invalid file is an error with exit status 2."""
    import torch

    parser = argparse.ArgumentParser(prog="harness.glue.scalenet", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--structure", type=Path, required=True, help="scalenet101.json of Eli-YiLi/ScaleNet"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--weights", type=Path, help="state dict of ScaleNet-101")
    source.add_argument("--random", action="store_true", help="write random weights (smoke runs)")
    parser.add_argument("--out", type=Path, required=True, help="state dict to write")
    given = parser.parse_args(arguments)
    try:
        structure = json.loads(given.structure.read_text())
        if given.random:
            write(Network(lambda: shapes(structure), branch_scale), seed=1, out=given.out)
        else:
            weights = torch.load(given.weights, map_location="cpu", weights_only=True)
            torch.save(backbone(weights, structure), given.out)
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _block(name: str, inside: int, middle: int, row: Sequence[int]) -> Shapes:
    *channels, side = row
    found: Shapes = {f"{name}.conv1.weight": (middle, inside, 1, 1)} | _norm(f"{name}.bn1", middle)
    for scale, count in enumerate(channels):
        if count:
            width = 3 if side / 2**scale > 1 else 1
            found[f"{name}.conv2.{scale}.weight"] = (count, middle, width, width)
            found |= _norm(f"{name}.bn2.{scale}", count)
    found[f"{name}.conv3.weight"] = (middle * EXPANSION, sum(channels), 1, 1)
    return found | _norm(f"{name}.bn3", middle * EXPANSION)


def _norm(name: str, channels: int) -> Shapes:
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{kind}": (channels,) for kind in kinds}


if __name__ == "__main__":
    main()
