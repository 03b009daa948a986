"""Write random weights with the names, shapes and file format of pre-trained ones, for smoke runs.

``--network NAME`` selects a network and its file format: MXNet's list of arrays, or a state dict
written by ``torch.save``. Weights of convolutions and matrices are uniform. Their variance keeps
the scale of activations, times a factor of the network, which is smaller in residual branches
because their outputs are summed. Batch norm is the identity, and biases are 0.
The values are raw bits of PCG64, whose stream is the same in every version of numpy.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.glue import deeplab, deit, resnet, resnet38
from harness.glue.mxnet_params import Array, write_params

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Network:
    """The content of a weight file.

    shapes: returns the shape of each array by its name.
    scale: returns the factor of an array by its name; for a scale of batch norm, its value.
    wrap: converts the state dict to the file's content; None means MXNet's format.
    """

    shapes: Callable[[], Shapes]
    scale: Callable[[str], float] = lambda _: 1.0
    wrap: Callable[[dict[str, Any]], Any] | None = dict


NETWORKS = {
    "deit-small": Network(deit.small_shapes, deit.branch_scale, lambda state: {"model": state}),
    "resnet38": Network(
        resnet38.mxnet_shapes, lambda name: 0.5 if "_branch2" in name and "res" in name else 1, None
    ),
    "resnet38-torch": Network(
        resnet38.torch_shapes, lambda name: 0.5 if ".conv_branch2" in name else 1
    ),
    "resnet50": Network(resnet.resnet50_shapes, resnet.branch_scale),
    "resnet101": Network(resnet.resnet101_shapes, resnet.branch_scale),
    "resnet101-deeplab": Network(deeplab.coco_shapes, deeplab.branch_scale),
}


def random_arrays(
    shapes: Shapes, seed: int, scale: Callable[[str], float] = NETWORKS["resnet38"].scale
) -> Iterator[Array]:
    """Yield one array per name; equal arguments give equal values on every machine."""
    bits = np.random.PCG64(np.random.SeedSequence(seed))
    for name, shape in shapes.items():
        if len(shape) == 1:
            yield np.full(shape, scale(name) if _is_one(name) else 0, np.float32)
        else:
            yield uniform(bits, shape, scale(name) * math.sqrt(6.0 / math.prod(shape[1:])))


def uniform(bits: np.random.PCG64, shape: tuple[int, ...], reach: float) -> Array:
    """Return uniform float32 values in [-reach, reach), computed from raw bits."""
    count = math.prod(shape)
    raw = np.asarray(bits.random_raw((count + 1) // 2), dtype="<u8")
    whole = raw.view("<i4")[:count]
    return (whole.astype(np.float32) * np.float32(reach / 2**31)).reshape(shape)


def write(network: Network, seed: int, out: Path) -> int:
    """Write the weights of a network and return the number of values."""
    shapes = network.shapes()
    arrays = random_arrays(shapes, seed, network.scale)
    out.parent.mkdir(parents=True, exist_ok=True)
    if network.wrap is None:
        write_params(out, shapes, arrays)
    else:
        import torch

        state = {name: torch.from_numpy(array) for name, array in zip(shapes, arrays)}  # noqa: B905
        torch.save(network.wrap(state), out)
    return sum(math.prod(shape) for shape in shapes.values())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = argparse.ArgumentParser(prog="harness.glue.random_weights", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--network", choices=sorted(NETWORKS), required=True, help="network and file format"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the values")
    parser.add_argument("--out", type=Path, required=True, help="weight file to write")
    given = parser.parse_args(arguments)
    values = write(NETWORKS[given.network], given.seed, given.out)
    sys.stdout.write(f"wrote {values} values\n")


def _is_one(name: str) -> bool:
    """Return whether the vector starts at 1; every vector called weight is the scale of a norm."""
    return name.endswith(("gamma", "var", "weight"))


if __name__ == "__main__":
    main()
