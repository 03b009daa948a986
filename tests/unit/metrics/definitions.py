"""J and F pixel by pixel and class by class, as slowly and plainly as they are defined."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]


def defined_j(pairs: list[tuple[Labels, Labels]], classes: int) -> list[float]:
    """Return IoU per class of (prediction, truth) pairs, in [0, 1]."""
    found = []
    for index in range(classes):
        hits = union = 0
        for predicted, truth in pairs:
            here, there = predicted == index, truth == index
            valid = truth != 255
            hits += int((here & there & valid).sum())
            union += int(((here | there) & valid).sum())
        found.append(hits / union if union else 0.0)
    return found


def defined_contour(mask: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """Return the contour pixels of a mask, looked up one by one."""
    height, width = mask.shape
    found = set()
    for row in range(height):
        for column in range(width):
            neighbours = [(row, column + 1), (row + 1, column), (row + 1, column + 1)]
            inside = [(r, c) for r, c in neighbours if r < height and c < width]
            if any(mask[row, column] != mask[place] for place in inside):
                found.add((row, column))
    return found


def near(one: set[tuple[int, int]], other: set[tuple[int, int]], radius: int) -> int:
    """Count the pixels of one that have a pixel of other within the radius."""
    return sum(any((r - s) ** 2 + (c - d) ** 2 <= radius**2 for s, d in other) for r, c in one)


def harmonic(matched: int, matched_truth: int, total: int, total_truth: int) -> float:
    """Return F of four counts, 1 where there is no contour at all."""
    if total == 0 and total_truth == 0:
        return 1.0
    if total == 0 or total_truth == 0:
        return 0.0
    precision, recall = matched / total, matched_truth / total_truth
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def defined_f(pairs: list[tuple[Labels, Labels]], classes: int) -> tuple[list[float], list[float]]:
    """Return F per foreground class, and the F of every class of every single image."""
    found, single = [], []
    for index in range(1, classes):
        sums = np.zeros(4, dtype=int)
        for predicted, truth in pairs:
            radius = math.ceil(0.008 * float(np.linalg.norm(truth.shape)))
            edge = defined_contour(predicted == index)
            edge_truth = defined_contour(truth == index)
            counts = near(edge, edge_truth, radius), near(edge_truth, edge, radius)
            sums += (*counts, len(edge), len(edge_truth))
            if (predicted == index).any() or (truth == index).any():
                single.append(harmonic(*counts, len(edge), len(edge_truth)))
        found.append(harmonic(*sums))
    return found, single
