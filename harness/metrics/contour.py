"""Count contour pixels of a class, and those near the other contour, for all thresholds at once.

A pixel belongs to the contour of a mask if it differs from its right, lower or lower-right
neighbour. The last row is compared with the right neighbour only, the last column with the lower
one only, and the last pixel with none, so that the image border is not a contour.

A mask that shrinks as the threshold rises is described by the *level* of each pixel: the number of
thresholds at which the pixel is in the mask. A pixel then belongs to the contour at exactly the
thresholds from the lowest to below the highest of the levels compared. One 64-bit word per pixel
holds all of them.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.008
MOST_LEVELS = 63
ONE = np.uint64(1)
SQUARE = np.ones((2, 2), dtype=np.uint8)  # a pixel and the neighbours it is compared with
Counts = NDArray[np.int64]
Levels = NDArray[np.uint8]


def tolerance_radius(shape: tuple[int, int]) -> int:
    """Return the distance in pixels within which contours match: 0.8 % of the diagonal, rounded up.

    For 375 x 500 the product is exactly 5, and so is the result.
    """
    return math.ceil(TOLERANCE * float(np.linalg.norm(shape)))


def contact(level: Levels, truth: Levels, levels: int, radius: int) -> Counts:
    """Count contour pixels of one class in one image at every threshold.

    Args:
        level: H x W, number of thresholds at which the pixel is predicted, 0..levels.
        truth: H x W, 1 where the ground truth has the class, else 0.
        levels: number of thresholds, at most 63.
        radius: distance in pixels within which contours match.

    Returns:
        4 x levels counts: predicted contour pixels near the true contour, true contour pixels near
        the predicted contour, all predicted contour pixels, all true contour pixels.

    """
    counts = np.zeros((4, levels), dtype=np.int64)
    window = _window((level | truth) > 0, radius)
    if window is None:
        return counts
    low, high = _spread(level[window])
    low_truth, high_truth = _spread(truth[window])
    edge = _padded(high_truth > low_truth, radius)
    places = np.flatnonzero(edge)
    counts[3] = len(places)
    counts[2] = _per_threshold(low, high, levels)
    if len(places) and counts[2].any():
        around = places[:, None] + _disk(radius, edge.shape[1])
        near = np.zeros(edge.shape, dtype=bool)
        near.reshape(-1)[around] = True
        inside = near[radius:-radius, radius:-radius]
        counts[0] = _per_threshold(low[inside], high[inside], levels)
        words = _padded((ONE << high.astype(np.uint64)) - (ONE << low.astype(np.uint64)), radius)
        reached = np.bitwise_or.reduce(words.reshape(-1)[around], axis=1)
        counts[1] = _bit_counts(reached, levels)
    return counts


def mask_contact(predicted: NDArray[np.bool_], truth: NDArray[np.bool_], radius: int) -> Counts:
    """Count contour pixels of one class in one label image, given as H x W masks; return 4 x 1.

    The result equals that of ``contact`` with one threshold and takes a third of the time.
    """
    counts = np.zeros((4, 1), dtype=np.int64)
    window = _window(predicted | truth, radius)
    if window is None:
        return counts
    edge, edge_truth = _edge(predicted[window]), _edge(truth[window])
    totals = cv2.countNonZero(edge), cv2.countNonZero(edge_truth)
    counts[2:, 0] = totals
    if all(totals):
        disk = _disk_mask(radius)
        counts[0] = cv2.countNonZero(cv2.bitwise_and(edge, cv2.dilate(edge_truth, disk)))
        counts[1] = cv2.countNonZero(cv2.bitwise_and(edge_truth, cv2.dilate(edge, disk)))
    return counts


def _edge(mask: NDArray[np.bool_]) -> Levels:
    """Return 1 where a pixel differs from a neighbour it is compared with, else 0."""
    values = mask.view(np.uint8)
    high = cv2.dilate(values, SQUARE, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    low = cv2.erode(values, SQUARE, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    return cv2.bitwise_xor(high, low).astype(np.uint8, copy=False)


def _spread(level: Levels) -> tuple[Levels, Levels]:
    """Return the lowest and highest level of each pixel and the neighbours it is compared with."""
    low, high = level.copy(), level.copy()
    for reduce, best in ((np.minimum, low), (np.maximum, high)):
        reduce(best[:, :-1], level[:, 1:], out=best[:, :-1])
        reduce(best[:-1], level[1:], out=best[:-1])
        reduce(best[:-1, :-1], level[1:, 1:], out=best[:-1, :-1])
    return low, high


def _per_threshold(low: Levels, high: Levels, levels: int) -> Counts:
    """Return for each threshold how many pixels have low <= threshold < high."""
    edge = high > low
    starts = np.bincount(low[edge], minlength=levels + 1)
    stops = np.bincount(high[edge], minlength=levels + 1)
    counts: Counts = np.cumsum(starts - stops)[:levels]
    return counts


def _bit_counts(words: NDArray[np.uint64], levels: int) -> Counts:
    """Return, for each of the lowest ``levels`` bits, the number of words in which it is set."""
    little = words.astype("<u8").view(np.uint8).reshape(len(words), 8)
    bits = np.unpackbits(little, axis=1, bitorder="little")
    counts: Counts = bits[:, :levels].sum(axis=0, dtype=np.int64)
    return counts


@lru_cache(maxsize=256)
def _disk_mask(radius: int) -> Levels:
    """Return a mask that is 1 where the distance to the centre is at most ``radius``."""
    line = np.arange(-radius, radius + 1)
    mask: Levels = (line[:, None] ** 2 + line[None, :] ** 2 <= radius**2).astype(np.uint8)
    return mask


@lru_cache(maxsize=256)
def _disk(radius: int, width: int) -> NDArray[np.intp]:
    """Return the flat offsets, for rows of ``width``, of all points at most ``radius`` away."""
    down, across = np.nonzero(_disk_mask(radius))
    offsets: NDArray[np.intp] = (down - radius) * width + (across - radius)
    return offsets


def _padded(values: NDArray[np.generic], radius: int) -> NDArray[np.generic]:
    return np.pad(values, radius)


def _window(both: NDArray[np.bool_], radius: int) -> tuple[slice, slice] | None:
    """Return the rows and columns that both masks and the surroundings of their contours cover."""
    spans = []
    for axis in (1, 0):
        places = np.flatnonzero(both.any(axis=axis))
        if not len(places):
            return None
        low, high = int(places[0]) - 1 - radius, int(places[-1]) + 2 + radius
        spans.append(slice(max(0, low), min(both.shape[1 - axis], high)))
    return spans[0], spans[1]
