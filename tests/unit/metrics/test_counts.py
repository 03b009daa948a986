"""Pixel counts do not depend on the way in which the histogram is computed."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics import counts
from harness.metrics.counts import Counts
from harness.metrics.input_files import Prediction

from .test_score import draw_labels


def test_large_images_are_counted_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    label, truth = (draw_labels(rng, (40, 50), "noise") for _ in range(2))
    prediction = Prediction(label, (label > 0).view(np.uint8))
    small, large = Counts.zero(21, 1), Counts.zero(21, 1)
    small.count(prediction, truth, 0)
    monkeypatch.setattr(counts, "EXACT", 100)
    large.count(prediction, truth, 0)
    assert large.pixels.tolist() == small.pixels.tolist()
