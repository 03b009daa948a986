"""The functions that patched training scripts call: options, and one call for each loss."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor

from .fsl import feature_similarity_loss
from .isl import importance_sampling_loss, raise_half
from .loss_inputs import cam_from_logits, image_in_unit_range


@dataclass(frozen=True)
class Settings:
    """The five settings of ISL and FSL; a weight of 0 disables the loss."""

    isl_weight: float = 0.0
    isl_samples: int = 10
    fsl_weight: float = 0.0
    fsl_mu: float = 2.5
    fsl_sigma: float = 5.0


class FslArguments(Protocol):
    """The arguments that ``add_fsl`` reads: ``Settings`` or a parsed command line."""

    @property
    def fsl_weight(self) -> float:
        """Factor of FSL in the training loss."""

    @property
    def fsl_mu(self) -> float:
        """Colour threshold."""

    @property
    def fsl_sigma(self) -> float:
        """Gaussian width in pixels of the class map."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the five settings as ``--isl_weight`` ... ``--fsl_sigma``."""
    for field in fields(Settings):
        kind = type(field.default)
        parser.add_argument(f"--{field.name}", type=kind, default=field.default)


def env_settings() -> Settings:
    """Return the settings from HARNESS_ISL_WEIGHT ... HARNESS_FSL_SIGMA; unset means the default.

    Raises ValueError, with the name of the variable, if its value is not a number.
    """
    given: dict[str, float] = {}
    for field in fields(Settings):
        variable = f"HARNESS_{field.name.upper()}"
        text = os.environ.get(variable)
        if text:
            given[field.name] = _number(variable, text, type(field.default))
    return Settings(**given)  # type: ignore[arg-type]


def isl(logits: Tensor, labels: Tensor, num_samples: int = 10) -> Tensor:
    """Return ISL of foreground logits B x C x H x W and labels B x C, a scalar.

    See ``importance_sampling_loss``.
    """
    return importance_sampling_loss(logits, labels, num_samples=num_samples)


def mix_isl(
    loss: Tensor, logits: Tensor, labels: Tensor, weight: float, num_samples: int = 10
) -> Tensor:
    """Return ``(1 - weight) * loss + weight * ISL``, or ``loss`` itself if the weight is 0."""
    if weight == 0:
        return loss
    sampled = isl(logits, labels, num_samples)
    return sampled if weight == 1 else (1 - weight) * loss + weight * sampled


def fsl_from_logits(
    image: Tensor,
    logits: Tensor,
    labels: Tensor,
    mu: float = 2.5,
    sigma: float | None = 5.0,
    *,
    background: bool = True,
) -> Tensor:
    """Return FSL of raw class maps and the image they were computed from, a scalar.

    Args:
        image: B x 3 x H' x W', ImageNet-normalised, on any device and of any size.
        logits: raw class maps B x C x H x W; see ``cam_from_logits``.
        labels: image labels B x C; trailing dimensions of size 1 are allowed.
        mu: colour threshold of FSL.
        sigma: width of FSL's Gaussian in pixels of the class map.
        background: whether channel 0 of logits and labels is the background.

    Raises:
        ValueError: if the shapes do not match.

    """
    with torch.autocast(logits.device.type, enabled=False):
        maps = raise_half(logits)
        prediction = cam_from_logits(maps, labels.to(maps.dtype), background=background)
        height, width = prediction.shape[2:]
        small = image_in_unit_range(raise_half(image.detach()), (height, width))
        small = small.to(prediction.device, non_blocking=True)
        return feature_similarity_loss(small, prediction, mu=mu, sigma=sigma)


def add_fsl(
    loss: Tensor,
    image: Tensor,
    logits: Tensor,
    labels: Tensor,
    args: FslArguments,
    *,
    background: bool = True,
) -> Tensor:
    """Return ``loss + args.fsl_weight * FSL``, or ``loss`` itself if the weight is 0."""
    if args.fsl_weight == 0:
        return loss
    term = fsl_from_logits(
        image, logits, labels, args.fsl_mu, args.fsl_sigma, background=background
    )
    return loss + args.fsl_weight * term


def _number(variable: str, text: str, kind: type) -> float:
    try:
        return float(text) if kind is float else int(text)
    except ValueError:
        msg = f"{variable} is {text!r}; expected a number"
        raise ValueError(msg) from None
