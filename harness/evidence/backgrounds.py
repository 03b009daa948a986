"""J of CAMs at the background score that a run gives to later steps, beside their best J.

Later steps may read CAMs with a fixed background score, while ISL and FSL change the scale of CAMs.
Scoring CAMs computes J at 60 thresholds, so both numbers are there without another step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.evidence.evidence import RunEvidence
from harness.evidence.groups import Spread
from harness.manifest.model import Option

CAM = "cam"

#: Option -> choice -> the background score that it fixes.
Fixed = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What a fixed background score costs the CAMs of some runs that differ in their seed alone."""

    option: str
    choice: str
    threshold: float
    J: Spread  # at the threshold, in percent
    best: Spread  # the highest J of all thresholds, in percent
    best_thresholds: Mapping[int, float]  # by seed

    @property
    def text(self) -> str:
        """57.1 ± 0.3 at 0.39, 58.0 ± 0.2 at the best (0.41 to 0.44)."""
        low, high = min(self.best_thresholds.values()), max(self.best_thresholds.values())
        where = f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"
        return f"{self.J.text} at {self.threshold:.2f}, {self.best.text} at the best ({where})"


def fixed_by(options: Mapping[str, Option]) -> Fixed:
    """The background scores that the options of a method fix."""
    return {
        name: {
            key: choice.cam_background
            for key, choice in option.choices.items()
            if choice.cam_background is not None
        }
        for name, option in options.items()
    }


def background_of(runs: Sequence[RunEvidence], fixed: Fixed) -> Background | None:
    """The background score of runs with the same options; None if none is fixed or scored."""
    chosen = [
        (option, choice, fixed[option][choice])
        for option, choice in (runs[0].options.items() if runs else ())
        if choice in fixed.get(option, {})
    ]
    curves = {run.seed: run.scores[CAM].curve for run in runs if CAM in run.scores}
    points = {
        seed: dict(zip(curve["threshold"], curve["J"], strict=True))
        for seed, curve in curves.items()
        if {"threshold", "J"} <= curve.keys()
    }
    if not chosen or not points:
        return None
    option, choice, threshold = chosen[0]
    best = {seed: max(one, key=one.__getitem__) for seed, one in points.items()}
    return Background(
        option=option,
        choice=choice,
        threshold=threshold,
        J=Spread({seed: _at(one, threshold) for seed, one in points.items()}),
        best=Spread({seed: one[best[seed]] for seed, one in points.items()}),
        best_thresholds=best,
    )


def _at(points: Mapping[float, float], threshold: float) -> float:
    """J at the threshold of the curve that is nearest: the same one, but for rounding."""
    return points[min(points, key=lambda at: abs(at - threshold))]
