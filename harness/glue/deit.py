"""The tensor shapes of DeiT-S (patch 16, 224 pixels) in its ImageNet weight file."""

from __future__ import annotations

CLASSES = 1000
WIDTH, DEPTH, PATCH, PATCHES = 384, 12, 16, 14 * 14
Shapes = dict[str, tuple[int, ...]]


def small_shapes() -> Shapes:
    """Return the shapes of all 152 tensors by name, with the classifier last."""
    shapes: Shapes = {
        "cls_token": (1, 1, WIDTH),
        "pos_embed": (1, 1 + PATCHES, WIDTH),
        "patch_embed.proj.weight": (WIDTH, 3, PATCH, PATCH),
        "patch_embed.proj.bias": (WIDTH,),
    }
    for number in range(DEPTH):
        block = f"blocks.{number}"
        shapes |= _linear(f"{block}.norm1", WIDTH)
        shapes |= _linear(f"{block}.attn.qkv", 3 * WIDTH, WIDTH)
        shapes |= _linear(f"{block}.attn.proj", WIDTH, WIDTH)
        shapes |= _linear(f"{block}.norm2", WIDTH)
        shapes |= _linear(f"{block}.mlp.fc1", 4 * WIDTH, WIDTH)
        shapes |= _linear(f"{block}.mlp.fc2", WIDTH, 4 * WIDTH)
    return shapes | _linear("norm", WIDTH) | _linear("head", CLASSES, WIDTH)


def branch_scale(name: str) -> float:
    """Return the scale of a random tensor; small where attention or residual sums would grow."""
    return 0.25 if ".attn." in name or ".mlp." in name else 1.0


def _linear(name: str, *shape: int) -> Shapes:
    """Return a weight of the given shape and its bias; the weight of a norm is a vector."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
