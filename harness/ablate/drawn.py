"""Synthetic pictures, so that the study runs without VOC."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .pictures import Picture, make_picture

SIZE = (240, 320)
RIM = 3  # half width of the void border around an object
Floats = NDArray[np.float64]


def drawn_pictures(seed: int, count: int = 8) -> list[Picture]:
    """Draw textured ellipses, boxes, rings and lobed shapes on textured backgrounds."""
    rng = np.random.default_rng(seed)
    return [_draw(index, rng) for index in range(count)]


def _draw(index: int, rng: np.random.Generator) -> Picture:
    names = ("ellipse", "box", "ring", "lobes")
    kind = names[index % len(names)]
    inside = _outline(kind, rng)
    truth = (inside < 1).astype(np.uint8)
    truth[np.abs(inside - 1) < RIM / min(SIZE) * 2] = 255
    background, colour = rng.uniform(0.1, 0.9, (2, 3))
    while np.abs(background - colour).mean() < 0.2:  # noqa: PLR2004  # well above FSL's threshold
        colour = rng.uniform(0.1, 0.9, 3)
    pixels = np.where((inside < 1)[..., None], colour, background)
    pixels = pixels + _texture(rng)[..., None] * rng.uniform(0.02, 0.10)
    pixels = pixels + rng.normal(0, 0.05, (*SIZE, 1)) + rng.normal(0, 0.02, (*SIZE, 3))
    image = Image.fromarray((255 * pixels.clip(0, 1)).round().astype(np.uint8))
    return make_picture(f"{kind}-{index}", image, truth)


def _outline(kind: str, rng: np.random.Generator) -> Floats:
    """Return H x W values, below 1 inside a shape of random position, size and angle."""
    rows, columns = np.indices(SIZE)
    centre = rng.uniform(0.35, 0.65, 2) * SIZE
    angle, radii = rng.uniform(0, np.pi), rng.uniform(0.18, 0.32, 2) * SIZE[0]
    down, across = rows - centre[0], columns - centre[1]
    along = (down * np.cos(angle) + across * np.sin(angle)) / radii[0]
    aside = (across * np.cos(angle) - down * np.sin(angle)) / radii[1]
    distance = np.hypot(along, aside)
    if kind == "box":
        return np.asarray(np.maximum(np.abs(along), np.abs(aside)))
    if kind == "ring":
        return np.asarray(np.abs(distance - 0.8) / 0.35)
    if kind == "lobes":
        return np.asarray(distance / (1 + 0.35 * np.cos(5 * np.arctan2(aside, along))))
    return np.asarray(distance)


def _texture(rng: np.random.Generator) -> Floats:
    """Return low-frequency waves H x W in [-1, 1]."""
    rows, columns = np.indices(SIZE) / SIZE[0]
    frequency = rng.uniform(2, 9, 2)
    return np.asarray(np.sin(2 * np.pi * (frequency[0] * rows + frequency[1] * columns)))
