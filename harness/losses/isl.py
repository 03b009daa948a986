"""The importance sampling loss (ISL): pooling by drawing pixels by their class probability."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import multilabel_soft_margin_loss

from .mode import losses_mode, losses_seed

FLOOR = 1e-5
MAP_DIMS = 4  # batch, channels, height, width
_own: dict[torch.device, torch.Generator] = {}


def importance_sampling_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    num_samples: int = 10,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the classification loss of pixels drawn by their class probability, a scalar.

    For each image and class, ``num_samples`` pixels are drawn with replacement. The probability of
    a pixel is proportional to ``sigmoid(logits) + 1e-5``. The loss is the multi-label soft margin
    loss between the drawn logits and the image-level labels, averaged over images, classes and
    samples. Gradients reach the drawn logits only; the sampling itself is not differentiated.

    Args:
        logits: foreground class maps B x C x H x W, unbounded. Half precision is converted to
            float32. A NaN makes the loss NaN; the draw does not fail.
        labels: image labels B x C (trailing dimensions of size 1 are allowed), each in [0, 1].
        num_samples: draws per image and class, at least 1.
        generator: generator of the draws, on the device of ``logits``. None means this module's
            own generator, seeded by HARNESS_SEED, or in reference mode torch's default one.

    Raises:
        ValueError: if the shapes do not match or ``num_samples`` is less than 1.

    """
    batch, classes = _checked_shape(logits, labels, num_samples)
    with torch.autocast(logits.device.type, enabled=False):
        maps = raise_half(logits).reshape(batch * classes, -1)
        if generator is None and losses_mode() == "exact":
            generator = own_generator(logits.device)
        indices = draw(maps, num_samples, generator)
        samples = torch.gather(maps, 1, indices).view(batch, classes, num_samples)
        target = labels.reshape(batch, classes, 1).to(samples.dtype)
        loss: Tensor = multilabel_soft_margin_loss(samples, target)
    return loss


def draw(maps: Tensor, num_samples: int, generator: torch.Generator | None) -> Tensor:
    """Draw pixel indices M x num_samples from logit maps M x N, with replacement.

    A NaN is drawn with weight 1e-5. Passed on, it would make ``torch.multinomial`` raise, and on
    CUDA abort.
    """
    weights = maps.detach().sigmoid().nan_to_num(nan=0.0) + FLOOR
    return torch.multinomial(weights, num_samples, replacement=True, generator=generator)


def own_generator(device: torch.device) -> torch.Generator:
    """Return this process's ISL generator for ``device``, created and seeded on first use."""
    if device not in _own:
        _own[device] = torch.Generator(device=device).manual_seed(losses_seed())
    return _own[device]


def reset_generators() -> None:
    """Delete the generators; the next draw starts again from HARNESS_SEED."""
    _own.clear()


def raise_half(tensor: Tensor) -> Tensor:
    """Return a float64 tensor unchanged and any other type as float32."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _checked_shape(logits: Tensor, labels: Tensor, num_samples: int) -> tuple[int, int]:
    if logits.dim() != MAP_DIMS or logits.numel() == 0:
        msg = f"ISL needs non-empty logits B x C x H x W, got shape {tuple(logits.shape)}"
        raise ValueError(msg)
    batch, classes = logits.shape[:2]
    if labels.shape[:2] != (batch, classes) or labels.numel() != batch * classes:
        msg = f"ISL needs labels {batch} x {classes}, got shape {tuple(labels.shape)}"
        raise ValueError(msg)
    if num_samples < 1:
        msg = f"ISL needs at least one sample per class, got {num_samples}"
        raise ValueError(msg)
    return batch, classes
