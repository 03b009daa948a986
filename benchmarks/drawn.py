"""Drawn data of VOC's size and habits: one to three objects, void rims, rough predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (375, 500)


def draw_folders(base: Path, count: int) -> list[str]:
    """Write ``gt/``, ``png/`` and ``cam/`` for ``count`` images; return the ids."""
    for name in ("gt", "png", "cam"):
        (base / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    ids = [f"2007_{index:06}" for index in range(count)]
    for name in ids:
        truth, predicted, cam = _draw(rng)
        Image.fromarray(truth).save(base / "gt" / f"{name}.png")
        Image.fromarray(predicted).save(base / "png" / f"{name}.png")
        np.save(base / "cam" / f"{name}.npy", cam, allow_pickle=True)  # type: ignore[arg-type]
    return ids


def _draw(
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], dict[int, object]]:
    truth, predicted = np.zeros((2, *SIZE), dtype=np.uint8)
    cam: dict[int, object] = {}
    for label in rng.choice(np.arange(1, 21), size=rng.integers(1, 4), replace=False):
        centre, radii = rng.uniform(0.2, 0.8, 2) * SIZE, rng.uniform(0.08, 0.3, 2) * SIZE
        distance = _distance(centre, radii)
        truth[distance < 1.05] = 255
        truth[distance < 1] = label
        shift = _distance(centre + rng.normal(0, 6, 2), radii * rng.uniform(0.85, 1.2, 2))
        waves = 0.1 * np.sin(np.indices(SIZE).sum(axis=0) / rng.uniform(4, 15))
        predicted[shift + waves < 1] = label
        cam[int(label) - 1] = np.exp(-0.7 * (shift + waves).clip(0) ** 2).astype(np.float32)
    return truth, predicted, cam


def _distance(centre: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = np.indices(SIZE)
    return np.hypot((rows - centre[0]) / radii[0], (columns - centre[1]) / radii[1])
