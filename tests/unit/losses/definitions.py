"""The losses as the paper defines them, pair by pair and sample by sample, in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Definition:
    """FSL's value, gradient and the scales that their errors are measured on."""

    value: Tensor
    gradient: Tensor
    scale: float
    gradient_scale: float


def pair_weights(image: Tensor, mu: float, sigma: float | None) -> tuple[Tensor, Tensor]:
    """Return w_ij of one image K x H x W, and how far rounding can move it, as N x N in float64.

    f = tanh(g) moves with its argument by 1 - f^2, which is largest where f itself is near 0.
    """
    colours = image.double().clamp(0, 1).flatten(1)
    distance = (colours[:, :, None] - colours[:, None, :]).abs().mean(dim=0)
    likeness = torch.tanh(mu + torch.log((distance + 1e-5) / (1 - distance + 1e-5)))
    height, width = image.shape[1:]
    row = torch.arange(height).repeat_interleave(width).double()
    column = torch.arange(width).repeat(height).double()
    if sigma is None:
        near = torch.full_like(likeness, 1 / (height * width))
    else:
        square = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
        near = torch.exp(-square / (2 * sigma**2)) / (2 * math.pi * sigma**2)
    return likeness * near, (likeness.abs() + 1 - likeness**2) * near


def defined_fsl(image: Tensor, maps: Tensor, mu: float, sigma: float | None) -> Definition:
    """Return FSL of B x K x H x W and B x C x H x W by its definition."""
    point = maps.detach().double().requires_grad_()
    count = point.shape[0] * point.shape[2] * point.shape[3]
    total, scale, steepest = point.new_zeros(()), 0.0, 0.0
    for picture, scores in zip(image, point.flatten(2), strict=True):
        weights, moved = pair_weights(picture, mu, sigma)
        apart = 0.5 * (scores[:, :, None] - scores[:, None, :]).square().sum(dim=0)
        total = total - (weights * apart).sum() / count
        # The closed form takes y_i^2 + y_j^2 and y_i y_j apart: their rounding does not cancel.
        sizes = scores.detach().abs()
        scale += float((moved * sizes.square().sum(dim=0)).sum()) / count
        steep = 2 * (moved * (sizes[:, :, None] + sizes[:, None, :])).sum(dim=2) / count
        steepest = max(steepest, float(steep.max()))
    (gradient,) = torch.autograd.grad(total, point)
    return Definition(total.detach(), gradient, scale, steepest)


def soft_margin(samples: Tensor, labels: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of logits M x S under labels M."""
    terms = torch.nn.functional.softplus(-samples) * labels[:, None]
    terms = terms + torch.nn.functional.softplus(samples) * (1 - labels[:, None])
    return terms.mean()
