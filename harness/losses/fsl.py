"""The feature similarity loss (FSL): the public function and its input checks."""

from __future__ import annotations

import torch
from torch import Tensor

from .fsl_all_pairs import all_pairs_loss
from .fsl_closed_form import closed_form_loss
from .isl import MAP_DIMS, raise_half
from .mode import losses_mode


def feature_similarity_loss(
    image: Tensor,
    prediction: Tensor,
    *,
    mu: float = 2.5,
    sigma: float | None = 5.0,
    radius: float | None = None,
) -> Tensor:
    """Return the feature similarity loss of a prediction for an image, a scalar.

    The loss decreases where nearby pixels of similar colour have similar predictions, and where
    nearby pixels of different colour have different predictions. It may be negative. Definition
    and derivation: ``docs/losses.md``.

    Args:
        image: B x K x H x W, clamped to [0, 1]; no gradient flows to it.
        prediction: class maps B x C x H x W, usually with the background first.
        mu: colour threshold; pairs with a colour distance below ``1 / (1 + exp(mu))`` attract.
        sigma: standard deviation of the Gaussian weight, in pixels of the map; None weights every
            pair of pixels by ``1 / (H * W)``.
        radius: cut-off in units of sigma; pairs more than ``radius * sigma`` apart along either
            axis are ignored. None keeps all pairs. Exact mode only.

    Raises:
        ValueError: if the shapes do not match, if sigma or radius is not positive, or if radius is
            given in reference mode or without sigma.

    """
    _check_shapes(image, prediction)
    _check_numbers(sigma, radius)
    with torch.autocast(prediction.device.type, enabled=False):
        scores = raise_half(prediction)
        features = image.detach().to(scores.device, scores.dtype)
        if losses_mode() == "reference":
            return all_pairs_loss(features, scores, mu, sigma)
        return closed_form_loss(features, scores, mu, sigma, radius)


def _check_shapes(image: Tensor, prediction: Tensor) -> None:
    if {image.dim(), prediction.dim()} != {MAP_DIMS} or image.numel() * prediction.numel() == 0:
        got = f"{tuple(image.shape)} and {tuple(prediction.shape)}"
        msg = f"FSL needs a non-empty image B x K x H x W and prediction B x C x H x W, got {got}"
        raise ValueError(msg)
    same = image.shape[0] == prediction.shape[0] and image.shape[2:] == prediction.shape[2:]
    if not same:
        got = f"{tuple(image.shape)} and {tuple(prediction.shape)}"
        msg = f"FSL needs an image and a prediction of equal batch, height and width, got {got}"
        raise ValueError(msg)


def _check_numbers(sigma: float | None, radius: float | None) -> None:
    if sigma is not None and not sigma > 0:
        msg = f"FSL needs a positive sigma or None, got {sigma}"
        raise ValueError(msg)
    if radius is None:
        return
    if sigma is None or not radius > 0:
        msg = f"FSL needs a positive radius and, with it, a sigma, got {radius} and {sigma}"
        raise ValueError(msg)
    if losses_mode() == "reference":
        msg = "FSL has no truncated form in reference mode; omit radius"
        raise ValueError(msg)
