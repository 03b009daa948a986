"""Save a few predictions as images, to look at after the predictions themselves are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .errors import ScoreError
from .input_files import SUFFIX, read_cam, read_labels

COUNT = 32


def sampled(ids: Sequence[str], count: int = COUNT) -> tuple[str, ...]:
    """Return ``count`` ids, evenly spaced over a list, or all ids of a shorter list.

    The result depends on the list only, so every method, loss and seed gives the same images.
    """
    count = min(count, len(ids))
    return tuple(ids[at * len(ids) // count] for at in range(count))


def keep(pred: Path, ids: Sequence[str], kind: str, classes: int, out: Path) -> None:
    """Write samples of the predictions as 8-bit PNGs of the original size H x W.

    A label map becomes ``<id>.png`` with the predicted values. A CAM becomes
    ``<id>-<class number>.png``, 255 times the map clipped to [0, 1]; class numbers are 1..20.

    Raises:
        ScoreError: if a prediction cannot be read or a sample cannot be written.

    """
    out.mkdir(parents=True, exist_ok=True)
    for name in sampled(ids):
        file = pred / f"{name}{SUFFIX[kind]}"
        if kind == "cam":
            for key, values in read_cam(file).items():
                level = np.clip(np.asarray(values, np.float32), 0, 1) * 255
                _write(out / f"{name}-{key + 1}.png", np.rint(level).astype(np.uint8))
        else:
            _write(out / f"{name}.png", read_labels(file, classes))


def _write(file: Path, picture: Any) -> None:
    done, content = cv2.imencode(".png", picture)
    if not done:
        raise ScoreError(f"{file} cannot be written as a PNG")
    file.write_bytes(content.tobytes())
