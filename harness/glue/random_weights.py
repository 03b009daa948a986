"""Make random ImageNet weights with the right names, shapes and file format, for smoke runs.

``--network resnet38`` writes the MXNet file of the wide ResNet-38 that the ResNet-38 chains start
from. Convolutions are uniform with the variance that keeps activations of one size (halved in the
branches, since residual sums add up); batch norm is the identity.
The values come from the raw bits of PCG64, whose stream no version of numpy changes.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.glue.mxnet_params import Array, write_params

CLASSES = 1000
#: Residual blocks: name, channels in, and for the plain kind the middle and outer channels.
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

Shapes = dict[str, tuple[int, ...]]


def resnet38_shapes() -> Shapes:
    """Return the shape of each array of the ResNet-38 file by its MXNet name, 193 in all."""
    shapes: Shapes = {"arg:conv1a_weight": (64, 3, 3, 3)}
    for name, inside, middle, outside in PLAIN_BLOCKS:
        shapes |= _norm(f"{name}_branch2a", inside)
        shapes |= _conv(f"{name}_branch2a", inside, middle, 3)
        shapes |= _norm(f"{name}_branch2b1", middle)
        shapes |= _conv(f"{name}_branch2b1", middle, outside, 3)
        if name.endswith("a"):  # the first block of a level changes size or stride
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


def random_arrays(shapes: Shapes, seed: int) -> Iterator[Array]:
    """Yield one array per name; equal arguments give equal values everywhere."""
    bits = np.random.PCG64(np.random.SeedSequence(seed))
    for name, shape in shapes.items():
        if len(shape) == 1:
            ones = name.endswith(("gamma", "var"))
            yield np.full(shape, 1 if ones else 0, np.float32)
        else:
            yield uniform(bits, shape, _reach(name, shape))


def uniform(bits: np.random.PCG64, shape: tuple[int, ...], reach: float) -> Array:
    """Return float32 values in [-reach, reach), drawn from raw bits."""
    count = math.prod(shape)
    raw = np.asarray(bits.random_raw((count + 1) // 2), dtype="<u8")
    whole = raw.view("<i4")[:count]
    return (whole.astype(np.float32) * np.float32(reach / 2**31)).reshape(shape)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = argparse.ArgumentParser(prog="harness.glue.random_weights", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--network", choices=("resnet38",), required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    given = parser.parse_args(arguments)
    shapes = resnet38_shapes()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_params(given.out, shapes, random_arrays(shapes, given.seed))
    values = sum(math.prod(shape) for shape in shapes.values())
    sys.stdout.write(f"wrote {len(shapes)} arrays with {values} values\n")


def _norm(name: str, channels: int) -> Shapes:
    kinds = ("arg:bn{}_gamma", "arg:bn{}_beta", "aux:bn{}_moving_mean", "aux:bn{}_moving_var")
    return {kind.format(name): (channels,) for kind in kinds}


def _conv(name: str, inside: int, outside: int, width: int) -> Shapes:
    return {f"arg:res{name}_weight": (outside, inside, width, width)}


def _reach(name: str, shape: tuple[int, ...]) -> float:
    gain = 0.5 if "_branch2" in name else 1.0
    return gain * math.sqrt(6.0 / math.prod(shape[1:]))


if __name__ == "__main__":
    main()
