"""FSL over all pairs of pixels, with the operations of the authors' code in their order.

The memory grows with the square of the number of pixels. The module is kept because only the same
floating-point operations give results equal to published runs bit for bit. ``fsl_closed_form.py``
computes the same value with memory that grows linearly.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MARGIN = 1e-5


def all_pairs_loss(image: Tensor, prediction: Tensor, mu: float, sigma: float | None) -> Tensor:
    """Return FSL of an image B x K x H x W and class maps B x C x H x W, a scalar.

    The inputs must be checked and floating-point.
    """
    batch, channels, height, width = image.shape
    pixels = height * width
    features = _rows(image).clamp(0.0, 1.0)
    scores = _rows(prediction)
    colour = (torch.cdist(features, features, p=1.0) / channels).clamp(0.0, 1.0)
    likeness = torch.tanh(mu + torch.log((colour + MARGIN) / (1 - colour + MARGIN)))
    disagreement = 0.5 * torch.cdist(scores, scores, p=2.0) ** 2.0
    nearness = _nearness(height, width, sigma, image.device)
    return torch.sum(-(1 / (batch * pixels)) * nearness * disagreement * likeness)


def _rows(maps: Tensor) -> Tensor:
    """Return B x C x H x W as contiguous pixel rows B x N x C."""
    return maps.flatten(2).transpose(1, 2).contiguous()


def _nearness(height: int, width: int, sigma: float | None, device: torch.device) -> Tensor | float:
    if sigma is None:
        return 1 / (height * width)
    down = torch.arange(height, dtype=torch.float, device=device)
    across = torch.arange(width, dtype=torch.float, device=device)
    grid = torch.stack(torch.meshgrid(down, across, indexing="ij"), dim=-1).view(1, -1, 2)
    distance = torch.cdist(grid, grid, p=2.0)
    return torch.exp(-0.5 * (distance / sigma) ** 2) / (2.0 * math.pi * sigma**2)
