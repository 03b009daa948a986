"""Optimise rough maps by FSL alone and measure the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from harness.losses.fsl_closed_form import dense_laplacian
from harness.metrics.contour import contact, tolerance_radius
from harness.metrics.counts import f_measure

from .pictures import VOID, Bytes, Picture, rough_map

Activation = Literal["sigmoid", "clamp"]
Evaluation = Literal["full", "low"]


@dataclass(frozen=True)
class Options:
    """Settings that the paper does not specify, and their defaults.

    seed: seed of the choice or drawing of pictures.
    activation: maps s to the bounded map (1 - p, p): p = ``sigmoid`` of s, or ``clamp`` of
        (s + 1) / 2 to [0, 1].
    rate: learning rate of Adam.
    steps: maximum number of steps.
    tolerance: stop when the relative change of the loss per step is at most this; 0 runs every
        step, unless the loss does not change at all.
    evaluation: ``full`` upsamples s bilinearly to the original size, ``low`` downsamples the truth.
    """

    seed: int = 1
    activation: Activation = "sigmoid"
    rate: float = 0.1
    steps: int = 100
    tolerance: float = 1e-5
    evaluation: Evaluation = "full"


class Quality(NamedTuple):
    """J and F in percent, of one picture or as means over pictures."""

    J: float
    F: float

    @property
    def JF(self) -> float:  # noqa: N802  # the measure's name
        """Mean of J and F."""
        return (self.J + self.F) / 2


def study_point(pictures: Sequence[Picture], mu: float, sigma: float, options: Options) -> Quality:
    """Return the mean quality of the maps after optimisation at one (mu, sigma)."""
    groups: dict[tuple[int, int], list[Picture]] = {}
    for picture in pictures:
        groups.setdefault(picture.size, []).append(picture)
    found = []
    for group in groups.values():
        image = torch.from_numpy(np.stack([picture.image for picture in group]))
        start = torch.from_numpy(np.stack([rough_map(picture) for picture in group]))
        moved = optimise(image, start, (mu, sigma), options)
        found += [(measure(s, p, options)) for s, p in zip(moved, group, strict=True)]
    return mean_quality(found)


def unoptimised(pictures: Sequence[Picture], options: Options) -> Quality:
    """Return the mean quality of the rough maps without optimisation."""
    maps = [torch.from_numpy(rough_map(picture)) for picture in pictures]
    return mean_quality([measure(s, p, options) for s, p in zip(maps, pictures, strict=True)])


def mean_quality(each: Sequence[Quality]) -> Quality:
    """Return the means of J and of F."""
    return Quality(*np.mean(np.array(each), axis=0).tolist())


def optimise(image: Tensor, start: Tensor, point: tuple[float, float], options: Options) -> Tensor:
    """Minimise FSL for images n x 3 x h x w at (mu, sigma) and return s, n x h x w."""
    s = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([s], lr=options.rate)
    laplacian = dense_laplacian(image, *point)
    last = torch.inf
    for _ in range(options.steps):
        loss = fixed_image_loss(laplacian, bounded(s, options.activation))
        (s.grad,) = torch.autograd.grad(loss, s)
        optimiser.step()
        value = loss.item()
        if abs(value - last) <= options.tolerance * abs(value):
            break
        last = value
    return s.detach()


def fixed_image_loss(laplacian: Tensor, maps: Tensor) -> Tensor:
    """Return FSL of maps n x C x h x w, given the Laplacian n x N x N of their images."""
    rows = maps.flatten(2)
    return -(rows * (rows @ laplacian)).sum() / (rows.shape[0] * rows.shape[2])


def bounded(s: Tensor, activation: str) -> Tensor:
    """Return the bounded map (1 - p, p), n x 2 x h x w; FSL of the raw s has no minimum."""
    p = torch.sigmoid(s) if activation == "sigmoid" else ((s + 1) / 2).clamp(0, 1)
    return torch.stack([1 - p, p], dim=1)


def measure(s: Tensor, picture: Picture, options: Options) -> Quality:
    """Return foreground IoU and contour F of the mask s > 0.

    IoU ignores void pixels; F counts them as background.
    """
    truth = picture.truth
    if options.evaluation == "full":
        shape = (truth.shape[0], truth.shape[1])
        s = interpolate(s[None, None], shape, mode="bilinear", align_corners=False)[0, 0]
    else:
        truth = _nearest(truth, picture.size)
    mask = (s > 0).numpy()
    valid, there = truth != VOID, truth == 1
    union = int(((mask | there) & valid).sum())
    region = int((mask & there).sum()) / union if union else 1.0
    radius = tolerance_radius((truth.shape[0], truth.shape[1]))
    counts = contact(mask.astype(np.uint8), there.astype(np.uint8), 1, radius)
    return Quality(100 * region, 100 * float(f_measure(counts[:, 0])))


def _nearest(truth: Bytes, size: tuple[int, int]) -> Bytes:
    """Return the truth sampled at the pixel centres of the small image."""
    rows, columns = (
        ((np.arange(small) + 0.5) * full / small).astype(int)
        for small, full in zip(size, truth.shape, strict=True)
    )
    return truth[np.ix_(rows, columns)]
