"""FSL in closed form: a quadratic form with a hand-written gradient.

``loss = -(1 / (n N)) sum y . L y``, so the gradient is ``-(2 / (n N)) L y``. One product with the
Laplacian L gives both. A second derivative applies the Laplacian once more.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .fsl_laplacian import Weights


def closed_form_loss(
    features: Tensor, maps: Tensor, mu: float, sigma: float | None, radius: float | None
) -> Tensor:
    """Return FSL, a scalar.

    The inputs must be checked, of one floating-point type and on one device.

    Args:
        features: image B x K x H x W; clamped to [0, 1] here.
        maps: class maps B x C x H x W.
        mu: colour threshold.
        sigma: Gaussian width in pixels, or None.
        radius: cut-off in units of sigma, or None.

    """
    colours = features.clamp(0.0, 1.0).div_(features.shape[1]).contiguous()
    weights = Weights(colours, mu, sigma, radius)
    loss: Tensor = _Loss.apply(_shifted(maps), weights)  # type: ignore[no-untyped-call]
    return loss


def dense_laplacian(features: Tensor, mu: float, sigma: float | None) -> Tensor:
    """Return the Laplacian of each image as a dense B x N x N tensor.

    Use it to evaluate FSL many times for a few small images.

    Args:
        features: image B x K x H x W; clamped to [0, 1] here.
        mu: colour threshold.
        sigma: Gaussian width in pixels, or None.

    """
    batch, channels, height, width = features.shape
    colours = features.clamp(0.0, 1.0).div_(channels).contiguous()
    pixels = height * width
    units = torch.eye(pixels, dtype=features.dtype, device=features.device)
    maps = units.view(1, pixels, height, width).expand(batch, -1, -1, -1)
    return Weights(colours, mu, sigma, None).laplacian(maps).flatten(2)


def _shifted(maps: Tensor) -> Tensor:
    """Subtract a constant from each channel; this changes the loss by rounding only.

    Subtracting the first pixel makes a constant channel exactly zero, so that it contributes
    exactly 0. Subtracting the mean of the remainder keeps the products small.
    """
    flat = maps.detach().flatten(2)
    first = flat[..., :1]
    centre = first + (flat - first).mean(dim=-1, keepdim=True)
    return maps - centre.unsqueeze(-1)


class _Loss(Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weights: Weights) -> Tensor:
        product = _skipping_zeros(weights, maps)
        ctx.save_for_backward(maps, product)
        ctx.weights = weights
        return (maps * product).sum() * _scale(maps)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None]:
        maps, product = ctx.saved_tensors
        attached: Tensor = _Known.apply(maps, product, ctx.weights)  # type: ignore[no-untyped-call]
        return outer * (2 * _scale(maps)) * attached, None


class _Known(Function):
    """L y from a product that is already computed; differentiable in y."""

    @staticmethod
    def forward(ctx: Any, _maps: Tensor, product: Tensor, weights: Weights) -> Tensor:
        ctx.weights = weights
        return product.view_as(product)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None, None]:
        product: Tensor = _Product.apply(outer, ctx.weights)  # type: ignore[no-untyped-call]
        return product, None, None


class _Product(Function):
    """L y; L is symmetric, so the derivative applies L as well."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weights: Weights) -> Tensor:
        ctx.weights = weights
        return weights.laplacian(maps)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None]:
        product: Tensor = _Product.apply(outer, ctx.weights)  # type: ignore[no-untyped-call]
        return product, None


def _scale(maps: Tensor) -> float:
    batch, _, height, width = maps.shape
    return -1 / (batch * height * width)


def _skipping_zeros(weights: Weights, maps: Tensor) -> Tensor:
    """Return L y; on the CPU, skip channels that are zero everywhere.

    A GPU computes all channels. Counting the zero ones would make the host wait for the GPU, and
    the matrix products over channels take only a small share of the time there.
    """
    if maps.is_cuda:
        return weights.laplacian(maps)
    present = maps.flatten(2).any(dim=2)
    count = int(present.sum(dim=1).max())
    if count == maps.shape[1]:
        return weights.laplacian(maps)
    product = torch.zeros_like(maps)
    if count:
        first = present.byte().argsort(dim=1, descending=True, stable=True)[:, :count]
        places = first[:, :, None, None].expand(-1, -1, *maps.shape[2:])
        product.scatter_(1, places, weights.laplacian(maps.gather(1, places)))
    return product
