"""The arrays of the wide ResNet-38, and the conversion of its MXNet file to a state dict.

``python -m harness.glue.resnet38 --params FILE --out FILE.pth`` writes the backbone as a state dict
for scripts that cannot read MXNet files. The names are those of the ``resnet38d`` modules in all
repositories that use the network. The values are unchanged. The 1000-way classifier is omitted.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLASSES = 1000
#: Plain residual blocks: name, and input, middle and output channels.
PLAIN_BLOCKS = (
    ("2a", 64, 128, 128),
    *((f"2b{n}", 128, 128, 128) for n in (1, 2)),
    ("3a", 128, 256, 256),
    *((f"3b{n}", 256, 256, 256) for n in (1, 2)),
    ("4a", 256, 512, 512),
    *((f"4b{n}", 512, 512, 512) for n in (1, 2, 3, 4, 5)),
    ("5a", 512, 512, 1024),
    *((f"5b{n}", 1024, 512, 1024) for n in (1, 2)),
)
BOTTLENECKS = (("6a", 1024, 2048), ("7a", 2048, 4096))
_ARRAY = re.compile(
    r"(?:arg|aux):(?P<kind>res|bn)(?P<block>\d[ab]\d?)_(?P<branch>\w+?)_(?P<what>\w+)"
)
_NORM = {
    "beta": "bias",
    "gamma": "weight",
    "moving_mean": "running_mean",
    "moving_var": "running_var",
}

Shapes = dict[str, tuple[int, ...]]


def mxnet_shapes() -> Shapes:
    """Return the shapes of all 193 arrays in the ImageNet file by their MXNet names."""
    shapes: Shapes = {"arg:conv1a_weight": (64, 3, 3, 3)}
    for name, inside, middle, outside in PLAIN_BLOCKS:
        shapes |= _norm(f"{name}_branch2a", inside)
        shapes |= _conv(f"{name}_branch2a", inside, middle, 3)
        shapes |= _norm(f"{name}_branch2b1", middle)
        shapes |= _conv(f"{name}_branch2b1", middle, outside, 3)
        if name.endswith("a"):  # the first block of a level changes the width or the stride
            shapes |= _conv(f"{name}_branch1", inside, outside, 1)
    for name, inside, outside in BOTTLENECKS:
        shapes |= _norm(f"{name}_branch2a", inside)
        shapes |= _conv(f"{name}_branch2a", inside, outside // 4, 1)
        shapes |= _norm(f"{name}_branch2b1", outside // 4)
        shapes |= _conv(f"{name}_branch2b1", outside // 4, outside // 2, 3)
        shapes |= _norm(f"{name}_branch2b2", outside // 2)
        shapes |= _conv(f"{name}_branch2b2", outside // 2, outside, 1)
        shapes |= _conv(f"{name}_branch1", inside, outside, 1)
    shapes |= _norm("7", 4096)
    shapes["arg:linear1000_weight"] = (CLASSES, 4096)
    shapes["arg:linear1000_bias"] = (CLASSES,)
    return shapes


def torch_name(name: str) -> str | None:
    """Return the name in the state dict of an MXNet array; None for the classifier.

    Raises ValueError if the name is not an array of the network.
    """
    if name.startswith("arg:linear1000_"):
        return None
    if name == "arg:conv1a_weight":
        return "conv1a.weight"
    if name.partition(":")[2].startswith("bn7_") and name.split("bn7_")[1] in _NORM:
        return f"bn7.{_NORM[name.split('bn7_')[1]]}"
    found = _ARRAY.fullmatch(name)
    if found is None:
        msg = f"{name} is not an array of ResNet-38"
        raise ValueError(msg)
    level, _, number = found["block"].partition("b")
    block = f"b{level.rstrip('a')}" + (f"_{number}" if number else "")
    if found["kind"] == "res":
        return f"{block}.conv_{found['branch']}.weight"
    return f"{block}.bn_{found['branch']}.{_NORM[found['what']]}"


def torch_shapes() -> Shapes:
    """Return the shapes of the backbone's 191 tensors by their names in the state dict."""
    named = ((torch_name(name), shape) for name, shape in mxnet_shapes().items())
    return {name: shape for name, shape in named if name is not None}


def convert(params: Path) -> dict[str, Any]:
    """Return the state dict of the backbone in an MXNet file.

    Raises ValueError if an array is missing or has another shape.
    """
    import mxnet
    import torch

    arrays = {name: array.asnumpy() for name, array in mxnet.nd.load(str(params)).items()}
    state = {}
    for name, shape in mxnet_shapes().items():
        found = arrays[name].shape if name in arrays else None
        if found != shape:
            msg = f"{params}: expected {name} of shape {shape}, found {found}"
            raise ValueError(msg)
        ours = torch_name(name)
        if ours is not None:
            state[ours] = torch.from_numpy(arrays[name])
    return state


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; an invalid file is an error with exit status 2."""
    import torch

    parser = argparse.ArgumentParser(prog="harness.glue.resnet38", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--params", type=Path, required=True, help="MXNet file to read")
    parser.add_argument("--out", type=Path, required=True, help="state dict to write")
    given = parser.parse_args(arguments)
    try:
        state = convert(given.params)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, given.out)
    sys.stdout.write(f"wrote {len(state)} tensors\n")


def _norm(name: str, channels: int) -> Shapes:
    kinds = ("arg:bn{}_gamma", "arg:bn{}_beta", "aux:bn{}_moving_mean", "aux:bn{}_moving_var")
    return {kind.format(name): (channels,) for kind in kinds}


def _conv(name: str, inside: int, outside: int, width: int) -> Shapes:
    return {f"arg:res{name}_weight": (outside, inside, width, width)}


if __name__ == "__main__":
    main()
