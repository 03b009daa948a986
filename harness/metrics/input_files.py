"""Read predictions, ground truth and lists; reject every file that would give a wrong score."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.readers import id_lists, label_png
from harness.readers.safe_pickle import UnsafePickleError, load_npy_dict

from .errors import ScoreError

VOID = 255
SUFFIX = {"png": ".png", "cam": ".npy"}
THRESHOLDS = np.arange(60) / 100.0  # background scores, as in SEAM's and the authors' evaluation
Labels = NDArray[np.uint8]


class Prediction(NamedTuple):
    """One image's prediction at every threshold.

    At threshold number n a pixel is predicted as ``label`` if ``level > n``, else as background.

    label: H x W, the class that is predicted where the background is not; 255 is no class.
    level: H x W, number of thresholds below the class's score; a PNG has one threshold.
    """

    label: Labels
    level: Labels


def read_list(file: Path) -> tuple[str, ...]:
    """Return the ids in a list file.

    `harness.readers.id_lists` says what a list may look like.

    Raises:
        ScoreError: if the list cannot be read, is empty, contains an id twice or a line that is
            not exactly one id.

    """
    try:
        return id_lists.read_ids(file)
    except id_lists.ListError as error:
        raise ScoreError(str(error)) from error


def check_ids(ids: Sequence[str], where: str) -> None:
    """Raise ScoreError if there are no ids or an id occurs twice."""
    if not ids:
        raise ScoreError(f"{where} names no image")
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise ScoreError(f"{where} names {name} twice")
        seen.add(name)


def check_folders(pred: Path, gt: Path, ids: Sequence[str], suffix: str, *, extra: bool) -> None:
    """Raise ScoreError for a missing file or, unless ``extra``, a prediction without an id.

    Hidden files (``._<id>.png``, as macOS leaves them) do not count.
    """
    for folder, ending in ((pred, suffix), (gt, ".png")):
        if not folder.is_dir():
            raise ScoreError(f"{folder} is not a folder")
        there = _files(folder)
        missing = [f"{name}{ending}" for name in ids if f"{name}{ending}" not in there]
        if missing:
            raise ScoreError(_several(folder, f"is missing{_near(missing[0], there)}", missing))
    if extra:
        return
    named = {f"{name}{suffix}" for name in ids}
    stray = sorted(name for name in _files(pred) if name.endswith(suffix) and name not in named)
    if stray:
        raise ScoreError(_several(pred, "is not in the list", stray))


def _files(folder: Path) -> frozenset[str]:
    with os.scandir(folder) as entries:
        return frozenset(
            entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file()
        )


def _near(name: str, there: frozenset[str]) -> str:
    """Return what to rename if a file differs from ``name`` in upper and lower case only."""
    near = sorted(other for other in there if other.lower() == name.lower())
    return f" (there is {near[0]}: rename it)" if near else ""


def read_labels(file: Path, classes: int) -> Labels:
    """Return the labels in a PNG, H x W with values 0..classes-1 or 255.

    Raises:
        ScoreError: if the file is not a whole label PNG (`harness.readers.label_png`), or contains
            another value.

    """
    try:
        _, labels = label_png.read_labels(file.read_bytes())
    except (OSError, label_png.LabelError) as error:
        raise ScoreError(f"{file} cannot be read as a label PNG: {error}") from error
    if labels.max() >= classes:
        wrong = (labels >= classes) & (labels != VOID)
        if wrong.any():
            value = int(labels[wrong].min())
            raise ScoreError(f"{file} contains {value}; expected 0..{classes - 1} or {VOID}")
    return labels


def read_prediction(
    file: Path, shape: tuple[int, int], classes: int, *, void: bool = False
) -> Prediction:
    """Return the prediction in a label PNG or in an npy file with a dict of CAMs.

    Raises:
        ScoreError: if the file has another format, its size is not ``shape``, or it contains 255
            (unless ``void``, where such pixels have no class).

    """
    if file.suffix == SUFFIX["cam"]:
        return _read_cam(file, shape, classes)
    label = read_labels(file, classes)
    if label.shape != shape:
        raise ScoreError(f"{file} is {_size(label.shape)}; its ground truth is {_size(shape)}")
    if not void:
        _refuse_void(file, label)
    return Prediction(label, (label > 0).view(np.uint8))


def _refuse_void(file: Path, label: Labels) -> None:
    pixels = np.count_nonzero(label == VOID)
    if pixels:
        raise ScoreError(
            f"{file} contains {VOID} (void) in {pixels} of {label.size} pixels; expected a class "
            "for every pixel: 0 is the background, and classes that are counted from 0 make it "
            "255. --allow-void scores such pixels as having no class"
        )


def _read_cam(file: Path, shape: tuple[int, int], classes: int) -> Prediction:
    """Read a dict of foreground class number 0.. to float map H x W.

    An empty dict means background everywhere.
    """
    maps = read_cam(file)
    for key, values in maps.items():
        _check_cam(file, key, values, shape, classes)
    if not maps:
        empty = np.zeros(shape, dtype=np.uint8)
        return Prediction(empty, empty)
    score = np.full(shape, -np.inf, dtype=np.float32)
    label = np.zeros(shape, dtype=np.uint8)
    for key in sorted(maps):
        values = np.asarray(maps[key], dtype=np.float32)
        label[values > score] = key + 1  # the first of equal scores, as argmax does
        np.maximum(score, values, out=score)
    return Prediction(label, _levels(score))


def _levels(score: NDArray[np.float32]) -> Labels:
    """Return the number of thresholds below each score; both are compared as float32."""
    edges = np.append(THRESHOLDS, np.inf).astype(np.float32)
    level = np.ceil(score * 100).clip(0, len(THRESHOLDS)).astype(np.uint8)
    level += edges[level] < score  # the product was rounded
    level -= (level > 0) & (edges[np.maximum(level, 1) - 1] >= score)
    return level


def read_cam(file: Path) -> dict[int, Any]:
    """Return the dict of class number 0.. to map in a CAM file.

    Nothing in the file is executed. Raises ScoreError if it cannot be read or contains something
    else.
    """
    expected = "expected a dict of class number to map"
    try:
        content = load_npy_dict(file)
    except (OSError, UnsafePickleError) as error:
        raise ScoreError(f"{file} is not a CAM file: found {error}; {expected}") from error
    named = [key for key in content if isinstance(key, str)]
    if named:
        kind = "the stacks that IRN writes" if "keys" in named else f"the name {named[0]!a}"
        raise ScoreError(f"{file} is not a CAM file: found {kind}; {expected}")
    return {key: values for key, values in content.items() if isinstance(key, int)}


def _check_cam(file: Path, key: int, values: Any, shape: tuple[int, int], classes: int) -> None:
    if not 0 <= key < classes - 1:
        raise ScoreError(f"{file} has the class {key!r}; expected 0..{classes - 2}")
    values = np.asarray(values)
    if values.dtype.kind != "f" or values.shape != shape:
        found = f"{values.dtype} {_size(values.shape)}"
        raise ScoreError(f"{file} class {key} is {found}; expected floats {_size(shape)}")
    if not np.isfinite(values).all():
        raise ScoreError(f"{file} class {key} contains values that are not finite")


def _several(folder: Path, what: str, names: list[str]) -> str:
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f"{folder / names[0]} {what}{more}"


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape)
