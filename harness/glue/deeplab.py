"""Write initial weights for deeplab-pytorch: every tensor of its ResNet-101, by its names.

deeplab-pytorch loads initial weights with ``strict=False``. It skips tensors with unknown names, so
a network without any matching tensor trains from random values without an error. This tool
therefore writes exactly the 624 tensors of the network below its ASPP head, or fails::

    python -m harness.glue.deeplab --names deeplab      --weights FILE --out init.pth
    python -m harness.glue.deeplab --names torchvision  --weights FILE --out init.pth

``deeplab`` reads the output of deeplab-pytorch's own converter and omits its classifier.
``torchvision`` reads torchvision's ResNet-101 trained on ImageNet. That network expects RGB values
in 0..1 divided by a standard deviation; its first convolution is converted to BGR and plain 8-bit
values.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.glue.resnet import Shapes, resnet101_shapes

COCO_CLASSES = 91
STEM = "layer1.conv1.conv.weight"
BRANCHES = {"conv1": "reduce", "conv2": "conv3x3", "conv3": "increase"}
DEVIATION = (0.229, 0.224, 0.225)  # of red, green and blue, as torchvision's weights expect
_BLOCK = re.compile(
    r"layer(?P<level>\d)\.(?P<block>\d+)\."
    r"(?:(?P<kind>conv|bn)(?P<number>\d)|downsample\.(?P<part>[01]))\.(?P<what>\w+)"
)


def deeplab_name(name: str) -> str | None:
    """Return deeplab-pytorch's name for a tensor of torchvision; None for the classifier.

    Raises ValueError if the name is not a tensor of ResNet-101.
    """
    if name.startswith("fc."):
        return None
    stem, _, what = name.partition(".")
    if stem in ("conv1", "bn1"):
        return f"layer1.conv1.{stem[:-1]}.{what}"
    found = _BLOCK.fullmatch(name)
    if found is None:
        msg = f"{name} is not a tensor of ResNet-101"
        raise ValueError(msg)
    kind = found["kind"] or ("conv" if found["part"] == "0" else "bn")
    branch = BRANCHES[f"conv{found['number']}"] if found["number"] else "shortcut"
    place = f"layer{int(found['level']) + 1}.block{int(found['block']) + 1}"
    return f"{place}.{branch}.{kind}.{found['what']}"


def deeplab_shapes() -> Shapes:
    """Return the shapes of the 520 weights by their names in deeplab-pytorch."""
    named = ((deeplab_name(name), shape) for name, shape in resnet101_shapes().items())
    return {name: shape for name, shape in named if name is not None}


def coco_shapes() -> Shapes:
    """Return the shapes in deeplab-pytorch's initial weight file, including its classifier."""
    classifier = {"fc.weight": (COCO_CLASSES, 2048, 1, 1), "fc.bias": (COCO_CLASSES,)}
    return deeplab_shapes() | classifier


def branch_scale(name: str) -> float:
    """Return the scale of a random tensor; small at the end of a branch, to bound residual sums."""
    return 0.1 if name.endswith(".increase.bn.weight") else 1.0


def from_deeplab(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the network's tensors from a file with deeplab-pytorch's names."""
    return _complete({name: value for name, value in state.items() if not name.startswith("fc.")})


def from_torchvision(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the network's tensors from a file with torchvision's names."""
    import torch

    named = {deeplab_name(name): value for name, value in state.items()}
    found = _complete({name: value for name, value in named.items() if name is not None})
    scale = 255 * torch.tensor(DEVIATION[::-1]).view(1, 3, 1, 1)
    found[STEM] = found[STEM].flip(1) / scale
    return found


NAMES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "deeplab": from_deeplab,
    "torchvision": from_torchvision,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; a missing tensor is an error that names it, with exit status 2."""
    import torch

    parser = argparse.ArgumentParser(prog="harness.glue.deeplab", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--names", choices=sorted(NAMES), required=True, help="naming scheme of the weight file"
    )
    parser.add_argument("--weights", type=Path, required=True, help="weight file to read")
    parser.add_argument("--out", type=Path, required=True, help="state dict to write")
    given = parser.parse_args(arguments)
    try:
        state = torch.load(given.weights, map_location="cpu", weights_only=True)
        found = NAMES[given.names](state)
    except (OSError, ValueError) as error:
        parser.error(f"{given.weights}: {error}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(found, given.out)
    sys.stdout.write(f"wrote {len(found)} tensors\n")


def _complete(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tensors in the network's order: weights as float32, and zero counters.

    Raises ValueError if a weight is missing or has another shape, or a tensor is unknown.
    """
    import torch

    shapes = deeplab_shapes()
    counters = {
        f"{name.rpartition('.')[0]}.num_batches_tracked" for name in shapes if ".bn." in name
    }
    _raise_for("missing", set(shapes) - set(state))
    _raise_for("unknown", set(state) - set(shapes) - counters)
    for name, shape in shapes.items():
        if tuple(state[name].shape) != shape:
            msg = f"expected {name} of shape {shape}, found {tuple(state[name].shape)}"
            raise ValueError(msg)
    weights = {name: state[name].to(torch.float32) for name in shapes}
    return weights | {name: torch.tensor(0) for name in sorted(counters)}


def _raise_for(what: str, names: set[str]) -> None:
    if names:
        msg = f"{len(names)} {what} tensors, first {min(names)}"
        raise ValueError(msg)


if __name__ == "__main__":
    main()
