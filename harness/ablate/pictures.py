"""The pictures of the study: one single-object image of VOC train per class."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from harness.errors import NotReadyError
from harness.readers.id_lists import ListError, read_ids

VOID = 255
SHRINK = 10
CLASSES = range(1, 21)
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """An image that contains one object.

    name: VOC id, or name of the drawing.
    image: 3 x h x w in [0, 1], a tenth of the original height and width.
    truth: H x W at full size, 1 for the object, 255 for void, else 0.
    """

    name: str
    image: Floats
    truth: Bytes

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the small image."""
        return self.image.shape[1], self.image.shape[2]


def make_picture(name: str, image: Image.Image, truth: Bytes) -> Picture:
    """Return the picture for an image and its object mask at full size."""
    height, width = (max(1, math.floor(length / SHRINK + 0.5)) for length in truth.shape)
    small = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 255
    return Picture(name, np.ascontiguousarray(pixels), truth)


def rough_map(picture: Picture) -> Floats:
    """Return s = 2 G - 1, h x w (eq. 24); G is a Gaussian of peak 1 fitted to the object.

    Its mean and variance along each axis are those of the object's pixels, without void, in units
    of the small image. s > 0 exactly within 1.177 standard deviations.
    """
    axes = []
    for places, size, full in zip(
        np.nonzero(picture.truth == 1), picture.size, picture.truth.shape, strict=True
    ):
        scale = full / size
        mean = (places.mean() + 0.5) / scale - 0.5
        variance = max(float(places.var()) / scale**2, 1 / 12)  # at least the variance of one pixel
        axes.append((np.arange(size) - mean) ** 2 / variance)
    gauss = np.exp(-0.5 * (axes[0][:, None] + axes[1][None, :]))
    return np.asarray(2 * gauss - 1, dtype=np.float32)


def voc_pictures(voc: Path, seed: int, tick: Callable[[str, int, int], None]) -> list[Picture]:
    """Choose one single-object image of VOC train per class at random.

    Args:
        voc: folder ``VOCdevkit/VOC2012``.
        seed: seed of the choice; candidates are in the order of the list.
        tick: called with the id of each image that was examined, their count and the total.

    Raises:
        NotReadyError: if a file is missing or unreadable, or a class has no single-object image.

    """
    candidates: dict[int, list[str]] = {index: [] for index in CLASSES}
    names = _train_ids(voc)
    for count, name in enumerate(names, start=1):
        objects = set(np.unique(_labels(voc, "SegmentationObject", name)).tolist()) - {0, VOID}
        if len(objects) == 1:
            kinds = set(np.unique(_labels(voc, "SegmentationClass", name)).tolist()) - {0, VOID}
            for index in kinds & candidates.keys():
                candidates[index].append(name)
        tick(name, count, len(names))
    missing = [index for index, found in candidates.items() if not found]
    if missing:
        raise _unusable(voc, f"has no single-object train image of classes {missing}")
    rng = random.Random(seed)  # noqa: S311  # must be reproducible; not a secret
    return [_voc_picture(voc, rng.choice(found), index) for index, found in candidates.items()]


def _voc_picture(voc: Path, name: str, index: int) -> Picture:
    labels = _labels(voc, "SegmentationClass", name)
    truth = np.where(labels == VOID, VOID, labels == index).astype(np.uint8)
    file = voc / "JPEGImages" / f"{name}.jpg"
    try:
        with Image.open(file) as image:
            return make_picture(name, image, truth)
    except (OSError, UnidentifiedImageError) as error:
        raise _unusable(file, f"cannot be read: {error}") from error


def _train_ids(voc: Path) -> list[str]:
    file = voc / "ImageSets" / "Segmentation" / "train.txt"
    try:
        return list(read_ids(file))
    except ListError as error:
        raise _unusable(file, f"cannot be read: {error}") from error


def _labels(voc: Path, folder: str, name: str) -> Bytes:
    file = voc / folder / f"{name}.png"
    try:
        with Image.open(file) as image:
            return np.array(image, dtype=np.uint8)
    except (OSError, UnidentifiedImageError) as error:
        raise _unusable(file, f"cannot be read: {error}") from error


def _unusable(place: Path, what: str) -> NotReadyError:
    return NotReadyError(
        f"{place} {what}", hint="pass the folder VOCdevkit/VOC2012 with --voc, or use --demo"
    )
