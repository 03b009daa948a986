"""The losses as the paper defines them, pair by pair and sample by sample, in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Definition:
    """FSL's value, gradient and the scale that their errors are measured on."""

    value: Tensor
    gradient: Tensor
    scale: float


def pair_weights(image: Tensor, mu: float, sigma: float | None) -> Tensor:
    """Return w_ij of one image K x H x W as N x N, in float64."""
    colours = image.double().clamp(0, 1).flatten(1)
    distance = (colours[:, :, None] - colours[:, None, :]).abs().mean(dim=0)
    likeness = torch.tanh(mu + torch.log((distance + 1e-5) / (1 - distance + 1e-5)))
    height, width = image.shape[1:]
    row = torch.arange(height).repeat_interleave(width).double()
    column = torch.arange(width).repeat(height).double()
    if sigma is None:
        return likeness / (height * width)
    square = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
    return likeness * torch.exp(-square / (2 * sigma**2)) / (2 * math.pi * sigma**2)


def defined_fsl(image: Tensor, maps: Tensor, mu: float, sigma: float | None) -> Definition:
    """Return FSL of B x K x H x W and B x C x H x W by its definition."""
    point = maps.detach().double().requires_grad_()
    count = point.shape[0] * point.shape[2] * point.shape[3]
    total, scale = point.new_zeros(()), 0.0
    for picture, scores in zip(image, point.flatten(2), strict=True):
        weights = pair_weights(picture, mu, sigma)
        apart = 0.5 * (scores[:, :, None] - scores[:, None, :]).square().sum(dim=0)
        total = total - (weights * apart).sum() / count
        scale += float((weights.abs() * apart.detach()).sum()) / count
    (gradient,) = torch.autograd.grad(total, point)
    return Definition(total.detach(), gradient, scale)


def soft_margin(samples: Tensor, labels: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of logits M x S under labels M."""
    terms = torch.nn.functional.softplus(-samples) * labels[:, None]
    terms = terms + torch.nn.functional.softplus(samples) * (1 - labels[:, None])
    return terms.mean()
