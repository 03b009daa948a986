"""The tensor shapes of torchvision's ResNet-50 and ResNet-101 in their ImageNet weight files."""

from __future__ import annotations

CLASSES = 1000
EXPANSION = 4
Shapes = dict[str, tuple[int, ...]]


def resnet_shapes(blocks: tuple[int, int, int, int]) -> Shapes:
    """Return the shapes of the tensors of a bottleneck ResNet by name, with the classifier last.

    ``blocks`` is the number of bottlenecks in each layer.
    """
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7)} | _norm("bn1", 64)
    inside = 64
    for level, count in enumerate(blocks, start=1):
        middle = 32 * 2**level
        for number in range(count):
            name = f"layer{level}.{number}"
            shapes |= _bottleneck(name, inside, middle)
            if number == 0:
                shapes[f"{name}.downsample.0.weight"] = (middle * EXPANSION, inside, 1, 1)
                shapes |= _norm(f"{name}.downsample.1", middle * EXPANSION)
            inside = middle * EXPANSION
    return shapes | {"fc.weight": (CLASSES, inside), "fc.bias": (CLASSES,)}


def resnet50_shapes() -> Shapes:
    """Return the shapes of ResNet-50."""
    return resnet_shapes((3, 4, 6, 3))


def resnet101_shapes() -> Shapes:
    """Return the shapes of ResNet-101."""
    return resnet_shapes((3, 4, 23, 3))


def branch_scale(name: str) -> float:
    """Return the scale of a random tensor; small at the end of a branch, to bound residual sums."""
    return 0.1 if name.endswith(".bn3.weight") else 1.0


def _bottleneck(name: str, inside: int, middle: int) -> Shapes:
    outside = middle * EXPANSION
    shapes: Shapes = {f"{name}.conv1.weight": (middle, inside, 1, 1)}
    shapes |= _norm(f"{name}.bn1", middle)
    shapes[f"{name}.conv2.weight"] = (middle, middle, 3, 3)
    shapes |= _norm(f"{name}.bn2", middle)
    shapes[f"{name}.conv3.weight"] = (outside, middle, 1, 1)
    return shapes | _norm(f"{name}.bn3", outside)


def _norm(name: str, channels: int) -> Shapes:
    return {
        f"{name}.{kind}": (channels,) for kind in ("weight", "bias", "running_mean", "running_var")
    }
