"""Draw pictures with label and instance masks, in integer arithmetic only.

Objects are shapes with a sharp edge. One end of an object has the colour of its class. Towards the
other end that colour fades to a pale tint that background shapes have as well. A classifier can
therefore recognise an object by one end of it, as in photographs.

All random numbers are raw bits of PCG64, whose stream is the same in every version of numpy. Equal
arguments therefore give equal pixels on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.readers.palettes import VOC

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.int64]

VOID = 255
SMALLEST = 24  # pixels each way
ROOM = 10  # pixels each way that one object needs
UNIT = 256  # half the extent of an object in its own coordinates


class Dice:
    """A source of random integers that depends only on its seeds."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(list(seed)))

    def below(self, bound: int) -> int:
        """Return an integer in 0 .. bound - 1."""
        return int(self._bits.random_raw()) % bound

    def between(self, low: int, high: int) -> int:
        """Return an integer in low .. high, both included."""
        return low + self.below(high - low + 1)

    def grid(self, height: int, width: int, bound: int) -> Numbers:
        """Return height x width integers in 0 .. bound - 1."""
        raw = np.asarray(self._bits.random_raw(height * width), dtype=np.uint64)
        return (raw % np.uint64(bound)).astype(np.int64).reshape(height, width)

    def shuffled(self, count: int) -> list[int]:
        """Return 0 .. count - 1 in random order."""
        order = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


@dataclass(frozen=True)
class Picture:
    """An image H x W x 3, its class labels H x W and its instance numbers H x W, all uint8."""

    image: Pixels
    labels: Pixels
    instances: Pixels


@dataclass(frozen=True)
class Box:
    """A rectangle in the image, in pixels."""

    top: int
    left: int
    height: int
    width: int


def draw(classes: Sequence[int], height: int, width: int, dice: Dice) -> Picture:
    """Draw one picture that shows exactly the given classes, numbered from 1.

    Objects have the values 1, 2, .. in the instance mask. A ring of one pixel around each object is
    void (255) in both masks. Raises ValueError if the picture is too small or a class is out of
    range.
    """
    _check(classes, height, width)
    image = _background(height, width, dice)
    labels = np.zeros((height, width), np.uint8)
    instances = np.zeros((height, width), np.uint8)
    shown = [*classes, classes[dice.below(len(classes))]] if dice.below(4) == 0 else [*classes]
    cells = _cells(len(shown), height, width)
    for number, cell in enumerate(dice.shuffled(len(cells))[: len(shown)], start=1):
        box = _place(cells[cell], dice)
        _paint(image, (labels, instances), (shown[number - 1], number), box, dice)
    image += dice.grid(height, width, 13)[:, :, None] - 6
    return Picture(np.clip(image, 0, 255).astype(np.uint8), labels, instances)


def class_colour(label: int) -> tuple[int, int, int]:
    """Return the saturated colour of a class; consecutive hues differ by the golden angle."""
    sector, rest = divmod((label - 1) * 137 % 360, 60)
    rise, fall, low, high = 30 + 3 * rest, 210 - 3 * rest, 30, 210
    ramps = ((high, rise, low), (fall, high, low), (low, high, rise))
    more = ((low, fall, high), (rise, low, high), (high, low, fall))
    return (*ramps, *more)[sector]


def palette() -> list[int]:
    """Return the 768 palette values of VOC."""
    return [channel for colour in VOC for channel in colour]


def save_image(path: Path, image: Pixels) -> None:
    """Write an H x W x 3 image as JPEG."""
    Image.fromarray(image).save(path, format="JPEG", quality=92)


def save_mask(path: Path, mask: Pixels) -> None:
    """Write an H x W mask as a PNG of mode P with VOC's palette."""
    picture = Image.fromarray(mask)
    picture.putpalette(palette())
    picture.save(path, format="PNG")


def _check(classes: Sequence[int], height: int, width: int) -> None:
    if not classes or len(set(classes)) < len(classes) or not set(classes) <= set(range(1, 255)):
        msg = f"expected distinct classes in 1 .. 254, found {list(classes)}"
        raise ValueError(msg)
    rows = math.isqrt(4 * len(classes))  # at least the square root of n + 1, rounded up
    need = max(SMALLEST, ROOM * rows)
    if min(height, width) < need:
        msg = f"{len(classes)} classes need {need} pixels each way, found {width} x {height}"
        raise ValueError(msg)


def _background(height: int, width: int, dice: Dice) -> Numbers:
    """Return a dull, slowly varying background with a few pale and dark shapes."""
    tone = [dice.between(70, 130) for _ in range(3)]
    coarse = dice.grid(height // 8 + 2, width // 8 + 2, 41) - 20
    smooth = np.kron(coarse, np.ones((8, 8), np.int64))[:height, :width]
    image = np.stack([smooth + channel for channel in tone], axis=2)
    for _ in range(dice.between(1, 3)):
        box = _place(Box(0, 0, height, width), dice, (15, 35))
        tint = _tint(dice) if dice.below(2) else [dice.between(20, 60)] * 3
        _crop(image, box)[_shape(dice.below(4), box)] = tint
    return image


def _tint(dice: Dice) -> list[int]:
    return [dice.between(185, 235) for _ in range(3)]


def _cells(count: int, height: int, width: int) -> list[Box]:
    """Split the picture into at least `count` cells that are as square as possible."""

    def narrowest(columns: int) -> int:
        return min(width // columns, height // -(-count // columns))

    columns = max(range(1, count + 1), key=narrowest)
    rows = -(-count // columns)
    tall, wide = height // rows, width // columns
    return [Box(row * tall, at * wide, tall, wide) for row in range(rows) for at in range(columns)]


def _place(cell: Box, dice: Dice, share: tuple[int, int] = (50, 80)) -> Box:
    """Choose a box of `share` percent of the cell's height and width, off its border."""
    height = max(6, cell.height * dice.between(*share) // 100)
    width = max(6, cell.width * dice.between(*share) // 100)
    top = cell.top + 1 + dice.below(max(1, cell.height - height - 1))
    left = cell.left + 1 + dice.below(max(1, cell.width - width - 1))
    return Box(top, left, height, width)


def _axes(box: Box) -> tuple[Numbers, Numbers]:
    """Return the coordinates v (height x 1) and u (1 x width) of a box, from -UNIT to UNIT."""
    v = (2 * np.arange(box.height, dtype=np.int64) + 1 - box.height) * UNIT // box.height
    u = (2 * np.arange(box.width, dtype=np.int64) + 1 - box.width) * UNIT // box.width
    return v[:, None], u[None, :]


def _shape(kind: int, box: Box) -> NDArray[np.bool_]:
    v, u = _axes(box)
    inside = (
        u * u + v * v <= UNIT * UNIT,
        (abs(u) <= UNIT) & (abs(v) <= UNIT),
        abs(u) + abs(v) <= UNIT + UNIT // 8,
        2 * abs(u) <= v + UNIT + UNIT // 8,
    )
    return np.asarray(inside[kind], dtype=np.bool_)


def _crop(picture: NDArray[np.generic], box: Box) -> NDArray[np.generic]:
    return picture[box.top : box.top + box.height, box.left : box.left + box.width]


def _paint(
    image: Numbers,
    masks: tuple[Pixels, Pixels],
    marks: tuple[int, int],
    box: Box,
    dice: Dice,
) -> None:
    """Paint an object of class marks[0] into the image, and each mark into its mask."""
    inside = np.zeros(image.shape[:2], np.bool_)
    _crop(inside, box)[...] = _shape((marks[0] - 1) % 4, box)
    _crop(image, box)[_shape((marks[0] - 1) % 4, box)] = _coat(marks[0], box, dice)
    ring = _grown(inside) & ~inside
    for mask, mark in ((masks[0], marks[0]), (masks[1], marks[1])):
        mask[inside] = mark
        mask[ring] = VOID


def _coat(label: int, box: Box, dice: Dice) -> Numbers:
    """Return the N x 3 colours of an object, from its class colour to a tint."""
    v, u = np.broadcast_arrays(*_axes(box))
    along = (v, u, -v, -u)[dice.below(4)] + UNIT
    share = np.clip(UNIT + 80 - along, 32, UNIT)[:, :, None]
    tint = np.array(_tint(dice), np.int64)
    coat: Numbers = (
        share * np.array(class_colour(label), np.int64) + (UNIT - share) * tint
    ) // UNIT
    return coat[_shape((label - 1) % 4, box)]


def _grown(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask dilated by one pixel in each of the four directions."""
    grown = inside.copy()
    grown[1:] |= inside[:-1]
    grown[:-1] |= inside[1:]
    grown[:, 1:] |= inside[:, :-1]
    grown[:, :-1] |= inside[:, 1:]
    return grown
