"""The pairwise weights of FSL, and the product of their Laplacian with class maps.

Memory grows linearly with the number of pixels. Notation as in ``docs/losses.md``: pixels i, j;
colour distance t in [0, 1]; weight ``w = f(t) * k(i, j)`` with the separable Gaussian k; Laplacian
``L = diag(W 1) - W``. Completing the square in ``f`` gives a constant and a fraction with a
quadratic denominator. The constant times the Gaussian is computed by two small matrix products.
The fraction needs no transcendental function per pair of pixels.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .precision import full_precision
from .threads import in_threads

MARGIN = 1e-5
# Elements of one tile. On the CPU two tiles fit into the second-level cache. On a GPU a tile must
# be large enough to justify a kernel launch.
CPU_TILE, GPU_TILE = 1 << 17, 1 << 22
THREAD_WORK = 1 << 24  # pairs of pixels that justify one more thread


@dataclass(frozen=True)
class Colour:
    """``f(t) = plateau + scale * (u + offset) / (u * u + floor)`` with ``u = t - centre``."""

    plateau: float
    scale: float
    offset: float
    floor: float
    centre: float

    @classmethod
    def of(cls, mu: float) -> Colour:
        """Return the constants of ``tanh(mu + ln(a / b))``; a = t + margin, b = 1 - t + margin."""
        total = 1 + 2 * MARGIN
        upper, lower = _sigmoid(2 * mu), _sigmoid(-2 * mu)
        return cls(
            plateau=math.tanh(mu),
            scale=4 * total * upper * lower,
            offset=total * (lower - upper) / 2,
            floor=total * total * upper * lower,
            centre=total * lower - MARGIN,
        )


@dataclass(frozen=True)
class Weights:
    """Symmetric weights between the pixels of each image.

    Args:
        features: colours B x K x H x W in [0, 1], contiguous and divided by K, so that a colour
            distance is a sum of absolute differences.
        mu: colour threshold.
        sigma: Gaussian width in pixels; None weights every pair by 1 / (H * W).
        radius: cut-off along either axis in units of sigma, or None.

    """

    features: Tensor
    mu: float
    sigma: float | None
    radius: float | None

    def laplacian(self, maps: Tensor) -> Tensor:
        """Return L y for maps y, B x C x H x W, of the features' type and device."""
        if maps.shape[2] < maps.shape[3]:  # a tile spans whole rows, so rows are the short side
            turned = Weights(_turned(self.features), self.mu, self.sigma, self.radius)
            return turned.laplacian(_turned(maps)).transpose(2, 3)
        with torch.no_grad(), full_precision():
            return self._laplacian(maps)

    def _laplacian(self, maps: Tensor) -> Tensor:
        colour = Colour.of(self.mu)
        batch, channels, height, width = maps.shape
        down, across = self._kernel(height), self._kernel(width)
        ones = maps.new_ones(batch, 1, height, width)
        stacked = torch.cat([maps, ones], dim=1)
        product = colour.plateau * (down @ stacked @ across)
        tiles = Tiles(self.features.flatten(2), stacked.flatten(2), product.flatten(2), colour)
        tiles.add_products(down, across, self._reach(height, maps.dtype))
        return product[:, channels:] * maps - product[:, :channels]

    def _kernel(self, length: int) -> Tensor:
        """Return the Gaussian along one axis, length x length, normalised over the whole plane."""
        place = torch.arange(length, device=self.features.device, dtype=self.features.dtype)
        distance = place[:, None] - place[None, :]
        if self.sigma is None:
            return torch.full_like(distance, 1 / length)
        kernel = torch.exp(distance.square() * (-0.5 / self.sigma**2))
        kernel *= 1 / (math.sqrt(2 * math.pi) * self.sigma)
        if self.radius is not None:
            kernel.masked_fill_(distance.abs() > self.radius * self.sigma, 0.0)
        return kernel

    def _reach(self, length: int, dtype: torch.dtype) -> int:
        """Return the distance in rows beyond which a pair cannot change a rounded sum."""
        if self.sigma is None:
            return length
        lost = math.sqrt(-4 * math.log(torch.finfo(dtype).eps))  # where the Gaussian is eps squared
        reach = lost if self.radius is None else min(lost, self.radius)
        return min(length, math.ceil(min(reach * self.sigma, length)))


@dataclass(frozen=True)
class Tiles:
    """A batch as pixel vectors: colours B x K x N, maps B x C x N, and sums B x C x N."""

    colours: Tensor
    maps: Tensor
    sums: Tensor
    colour: Colour

    def add_products(self, down: Tensor, across: Tensor, reach: int) -> None:
        """Add ``W' y`` of the maps y to sums; W' is W without its constant ``plateau``."""
        height, width = len(down), len(across)
        budget = GPU_TILE if down.is_cuda else CPU_TILE
        step = max(1, math.isqrt(budget // (width * width)))
        blocks = list(_steps(height, step))
        pairs = [
            (source, target)
            for place, source in enumerate(blocks)
            for target in blocks[place:]
            if target.start - source.stop < reach
        ]
        work = len(self.maps) * len(pairs) * (step * width) ** 2
        threads = 1 if down.is_cuda else min(torch.get_num_threads(), 1 + work // THREAD_WORK)
        tasks = self._split(threads, len(pairs))
        in_threads(
            [functools.partial(task.add_pairs, pairs[own], down, across) for task, own in tasks]
        )
        for task, _ in tasks:
            if task.extra:
                self.sums[task.images] += task.sums

    def _split(self, count: int, pairs: int) -> list[tuple[ThreadTask, slice]]:
        """Divide the images among ``count`` threads; with fewer images, divide their pairs too."""
        batch = len(self.maps)
        shares = min(pairs, max(1, count // batch))
        found = []
        for images in _steps(batch, math.ceil(batch / count)):
            for share in range(shares):
                sums = torch.zeros_like(self.sums[images]) if share else self.sums[images]
                colours, maps = self.colours[images], self.maps[images]
                task = ThreadTask(images, colours, maps, sums, self.colour, extra=share > 0)
                found.append((task, slice(share, None, shares)))
        return found


@dataclass(frozen=True)
class ThreadTask:
    """The images of a batch that one thread works on.

    extra: whether ``sums`` is a separate tensor that must be added to the batch's sums afterwards.
    """

    images: slice
    colours: Tensor
    maps: Tensor
    sums: Tensor
    colour: Colour
    extra: bool

    def add_pairs(self, pairs: Sequence[tuple[slice, slice]], down: Tensor, across: Tensor) -> None:
        """Add the products of all given pairs of blocks of rows."""
        width = len(across)
        longest = max(source.stop - source.start for source, _ in pairs) * width
        budget = GPU_TILE if down.is_cuda else CPU_TILE
        count = min(len(self.maps), max(1, budget // longest**2))
        room = down.new_empty(2, count * longest**2)
        for source, target in pairs:
            near = torch.kron(down[source, target].contiguous(), across)
            here, there = _pixels(source, width), _pixels(target, width)
            self._add(here, there, near * self.colour.scale, room)

    def _add(self, here: slice, there: slice, near: Tensor, room: Tensor) -> None:
        """Add the products of two ranges of pixels; ``near`` is their scaled Gaussian, n x m."""
        shifted = near * self.colour.offset
        for images in _steps(len(self.maps), room.shape[1] // near.numel()):
            colours, maps, sums = self.colours[images], self.maps[images], self.sums[images]
            total, part = room[:, : len(maps) * near.numel()].view(2, len(maps), *near.shape)
            _distances(colours[:, :, here, None], colours[:, :, None, there], total, part)
            total -= self.colour.centre
            torch.addcmul(shifted, total, near, out=part)
            weights = part.div_(total.square_().add_(self.colour.floor))
            sums[..., here].baddbmm_(maps[..., there], weights.transpose(1, 2))
            if here.start != there.start:
                sums[..., there].baddbmm_(maps[..., here], weights)


def _distances(left: Tensor, right: Tensor, total: Tensor, part: Tensor) -> None:
    """Write the L1 distances of colours b x K x n x 1 and b x K x 1 x m to total, b x n x m."""
    torch.sub(left[:, 0], right[:, 0], out=total).abs_()
    for channel in range(1, left.shape[1]):
        total += torch.sub(left[:, channel], right[:, channel], out=part).abs_()


def _sigmoid(value: float) -> float:
    """Return the logistic function; beyond 200 every weight equals its limit."""
    return 1 / (1 + math.exp(-max(-200.0, min(value, 200.0))))


def _pixels(rows: slice, width: int) -> slice:
    return slice(rows.start * width, rows.stop * width)


def _steps(length: int, step: int) -> Iterator[slice]:
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


def _turned(maps: Tensor) -> Tensor:
    return maps.transpose(2, 3).contiguous()
