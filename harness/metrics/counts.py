"""Pixel and contour counts, summed over images, from which J and F of a data set are computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .contour import contact, mask_contact, tolerance_radius
from .input_files import VOID, Labels, Prediction

Integers = NDArray[np.int64]
EXACT = 1 << 24  # pixels; OpenCV's float32 histograms are exact below this
LABELS_ONLY = 2  # possible levels of a label image, which has one threshold: 0 and 1


@dataclass
class Counts:
    """Sums over images.

    pixels: true class x predicted class (the last one is "none") x level, without void pixels.
    contours: 4 x classes x thresholds, see ``contour.contact``; 0 for the background.
    davis: 2 x classes, the sum and the number of the F values of single images.
    """

    pixels: Integers
    contours: Integers
    davis: NDArray[np.float64]

    @classmethod
    def zero(cls, classes: int, levels: int) -> Counts:
        """Return counts that are all 0."""
        return cls(
            pixels=np.zeros((classes, classes + 1, levels + 1), dtype=np.int64),
            contours=np.zeros((4, classes, levels), dtype=np.int64),
            davis=np.zeros((2, classes), dtype=np.float64),
        )

    def add(self, other: Counts) -> None:
        """Add the counts of other images to these."""
        self.pixels += other.pixels
        self.contours += other.contours
        self.davis += other.davis

    def count(self, prediction: Prediction, truth: Labels, davis_level: int) -> None:
        """Add the counts of one image from its prediction and its ground truth H x W."""
        radius = tolerance_radius(truth.shape)
        pixels = self._histogram(prediction, truth)
        self.pixels += pixels[:-1]
        present = pixels.sum(axis=(1, 2)) + pixels[..., 1:].sum(axis=(0, 2))
        classes = np.flatnonzero(present[1:-1]) + 1
        if not len(classes):
            return
        here = np.stack(
            [self._contact(prediction, truth, int(each), radius) for each in classes], 1
        )
        self.contours[:, classes] += here
        self.davis[0, classes] += f_measure(here[..., davis_level])
        self.davis[1, classes] += 1

    def _contact(self, prediction: Prediction, truth: Labels, index: int, radius: int) -> Integers:
        """Return the contour counts of one class, 4 x levels."""
        label, level = prediction
        mine, other = label == index, truth == index
        levels = self.contours.shape[2]
        if levels == 1:
            return mask_contact(mine, other, radius)
        return contact(level * mine, other.view(np.uint8), levels, radius)

    def _histogram(self, prediction: Prediction, truth: Labels) -> Integers:
        """Return pixels, true class x predicted class x level.

        The last true class is void, the last predicted class is "none".
        """
        classes, columns, depth = self.pixels.shape
        if depth == LABELS_ONLY:
            return _label_histogram(prediction.label, truth, classes)
        place = _strides(classes, columns * depth)[truth]
        place += _strides(classes, depth)[prediction.label]
        place += prediction.level
        shape = (columns, columns, depth)
        return np.bincount(place.ravel(), minlength=columns * columns * depth).reshape(shape)


def _label_histogram(label: Labels, truth: Labels, classes: int) -> Integers:
    """Return the histogram of label images; the level is 0 for the background, else 1."""
    size = VOID + 1
    kept = [*range(classes), VOID]
    if truth.size < EXACT:
        both = cv2.calcHist([truth, label], [0, 1], None, [size, size], [0, size, 0, size])
    else:
        words = truth.astype(np.uint16) * np.uint16(size) + label
        both = np.bincount(words.ravel(), minlength=size * size).reshape(size, size)
    table = both[kept][:, kept].astype(np.int64)
    found = np.zeros((*table.shape, LABELS_ONLY), dtype=np.int64)
    found[:, 0, 0], found[:, 1:, 1] = table[:, 0], table[:, 1:]
    return found


@lru_cache(maxsize=8)
def _strides(classes: int, step: int) -> NDArray[np.uint32]:
    """Return, for each value 0..255, ``step`` times its class, or times ``classes`` if no class."""
    return (np.minimum(np.arange(VOID + 1), classes) * step).astype(np.uint32)


def intersection_over_union(pixels: Integers) -> NDArray[np.float64]:
    """Return IoU, thresholds x classes, from pixels, true class x predicted class x level.

    A class that is neither predicted nor in the ground truth scores 0, as in the authors'
    evaluation.
    """
    survivors = np.cumsum(pixels[..., :0:-1], axis=2)[..., ::-1]  # level above the threshold
    index = np.arange(len(pixels))
    hits, predicted = survivors[index, index], survivors.sum(axis=0)[:-1]
    whole = pixels.sum(axis=(1, 2))
    background = whole[:, None] - survivors.sum(axis=1)
    hits[0], predicted[0] = background[0], background.sum(axis=0)
    union = whole[:, None] + predicted - hits
    ratio: NDArray[np.float64] = hits / np.maximum(union, 1)
    return ratio.T


def f_measure(contours: Integers) -> NDArray[np.float64]:
    """Return F from contour counts 4 x ...; 1 where neither side has a contour."""
    matched, matched_truth, total, total_truth = contours.astype(np.float64)
    with np.errstate(invalid="ignore"):
        precision = np.where(total > 0, matched / np.maximum(total, 1), total_truth > 0)
        recall = np.where(total_truth > 0, matched_truth / np.maximum(total_truth, 1), total > 0)
        found = 2 * precision * recall / (precision + recall)
    neither = (total == 0) & (total_truth == 0)
    return np.where(neither, 1.0, np.where(precision + recall > 0, found, 0.0))
