"""Compute J, F and J&F from the counts of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .counts import Counts, f_measure, intersection_over_union
from .input_files import THRESHOLDS

FIXED = 25  # index of the threshold 0.25, at which the authors compute F of CAMs
VOC = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tvmonitor"),
)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """J, F and J&F of one data set, in percent.

    counts: counts summed over the data set.
    images: number of images.
    curve: whether ``as_dict`` reports every threshold.
    """

    counts: Counts
    images: int
    curve: bool = False

    @cached_property
    def region(self) -> Floats:
        """J in percent, thresholds x classes."""
        return 100 * intersection_over_union(self.counts.pixels)

    @cached_property
    def outline(self) -> Floats:
        """F in percent, thresholds x foreground classes."""
        # With rows contiguous in memory, the mean of one row equals the mean along the axis.
        return np.ascontiguousarray(100 * f_measure(self.counts.contours[:, 1:]).T)

    @property
    def is_cam(self) -> bool:
        """Whether there is more than one threshold."""
        return len(self.region) > 1

    @property
    def best(self) -> int:
        """Index of the threshold with the highest J; the lowest one of equals."""
        return int(self.region.mean(axis=1).argmax())

    @property
    def fixed(self) -> int:
        """Index of the threshold at which F is computed."""
        return FIXED if self.is_cam else 0

    @property
    def J(self) -> float:  # noqa: N802  # the measure's name
        """Mean IoU over all classes; for CAMs, at the best threshold."""
        return float(self.region[self.best].mean())

    @property
    def F(self) -> float:  # noqa: N802  # the measure's name
        """Mean contour F over the foreground classes; for CAMs, at the threshold 0.25."""
        return float(self.outline[self.fixed].mean())

    @property
    def JF(self) -> float:  # noqa: N802  # the measure's name
        """Mean of J and F."""
        return (self.J + self.F) / 2

    @property
    def davis(self) -> float | None:
        """Mean contour F over every class of every single image; None if there is none."""
        total, number = self.counts.davis.sum(axis=1)
        return float(100 * total / number) if number else None

    def line(self) -> str:
        """Return the scores as one line of text."""
        return f"J {self.J:.2f}  F {self.F:.2f}  J&F {self.JF:.2f}  ({self.images} images)"

    def as_dict(self) -> dict[str, Any]:
        """Return the scores as the JSON object of ``docs/losses.md``, in percent."""
        found: dict[str, Any] = {
            "scores": {"J": self.J, "F": self.F, "JF": self.JF},
            "per_class": self._per_class(),
            "images": self.images,
            "extra": {"F_per_image": self.davis},
        }
        if self.is_cam:
            found["extra"].update(
                threshold_J=float(THRESHOLDS[self.best]),
                threshold_F=float(THRESHOLDS[FIXED]),
                F_at_best_J=float(self.outline[self.best].mean()),
            )
        if self.curve:
            found["curve"] = {
                "threshold": THRESHOLDS.tolist(),
                "J": self.region.mean(axis=1).tolist(),
                "F": self.outline.mean(axis=1).tolist(),
            }
        return found

    def _per_class(self) -> dict[str, dict[str, float | None]]:
        region = self.region[self.best].tolist()
        outline = [None, *self.outline[self.fixed].tolist()]
        names = VOC if len(region) == len(VOC) else [str(index) for index in range(len(region))]
        return {name: {"J": region[index], "F": outline[index]} for index, name in enumerate(names)}
