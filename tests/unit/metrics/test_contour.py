"""Contours of one mask are counted as contours of one threshold are."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.contour import contact, mask_contact

from .test_score import IMAGES, draw_labels


@settings(max_examples=60)
@given(images=IMAGES, seed=st.integers(0, 2**31), radius=st.integers(1, 7))
def test_masks_touch_as_levels_do(images: list[Any], seed: int, radius: int) -> None:
    rng = np.random.default_rng(seed)
    for height, width, mine, true in images:
        pair = [draw_labels(rng, (height, width), kind) == 5 for kind in (mine, true)]
        levels = [mask.astype(np.uint8) for mask in pair]
        found = mask_contact(pair[0], pair[1], radius)
        assert found.tolist() == contact(levels[0], levels[1], 1, radius).tolist()
