"""Scoring of drawn VOC-size images: ours against a plain formulation and the authors' scripts."""

from __future__ import annotations

import importlib.util
import io
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.metrics.score import score_folder

from .drawn import draw_folders
from .machine import median_seconds

REPEAT = 5
THRESHOLDS = 60
SAMPLE = 3  # slow passes over all thresholds are measured at three of them


def run(reference: Path | None, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Measure J and F of PNGs and the curve of CAMs; yield one row each."""
    count = 40 if quick else 300
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        ids = draw_folders(base, count)
        work = {kind: median_seconds(_ours(base, ids, kind), REPEAT) for kind in ("png", "cam")}
        alone = median_seconds(_ours(base, ids, "png", workers=1), REPEAT)
        plain = _once(lambda: [_plain_image(base, each) for each in ids])
        yield _row("J and F of PNGs, one process each, against plain", count, alone, plain)
        one = _once(lambda: [_plain_threshold(base, each, 0.3) for each in ids])
        yield _row("J curve of CAMs against 60 plain passes", count, work["cam"], THRESHOLDS * one)
        if reference is not None:
            both = _authors_f(reference, base, ids) + _authors_j(reference, base, ids, "png", [1.0])
            yield _row("J and F of PNGs against the authors' scripts", count, work["png"], both)
            some = _authors_j(reference, base, ids, "npy", [0.1, 0.3, 0.5][:SAMPLE])
            passes = THRESHOLDS / SAMPLE * some
            yield _row("J curve of CAMs against the authors' 60 passes", count, work["cam"], passes)


def _row(what: str, images: int, ours: float, other: float) -> dict[str, Any]:
    return {"what": what, "images": images, "ours": ours, "other": other, "faster": other / ours}


def _once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _ours(
    base: Path, ids: list[str], kind: str, workers: int | None = None
) -> Callable[[], object]:
    folder = base / kind
    return lambda: score_folder(folder, base / "gt", ids, kind=kind, workers=workers)


def _plain_image(base: Path, name: str) -> list[Any]:
    """Count regions and contours of all classes of one image, each over the whole image."""
    truth, predicted = (_labels(base / kind / f"{name}.png") for kind in ("gt", "png"))
    found: list[Any] = [_plain_counts(predicted, truth)]
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    for index in range(1, 21):
        edges = [_edge(labels == index) for labels in (predicted, truth)]
        grown = [cv2.dilate(edge, disk) for edge in edges]
        found.append((edges[0] & grown[1]).sum() + (edges[1] & grown[0]).sum())
    return found


def _edge(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    edge = np.zeros(mask.shape, dtype=np.uint8)
    edge[:-1, :-1] = (mask[:-1, :-1] != mask[1:, :-1]) | (mask[:-1, :-1] != mask[:-1, 1:])
    return edge


def _plain_threshold(base: Path, name: str, threshold: float) -> list[int]:
    """Count regions of one CAM at one threshold."""
    cam = np.load(base / "cam" / f"{name}.npy", allow_pickle=True).item()
    truth = _labels(base / "gt" / f"{name}.png")
    scores = np.zeros((21, *truth.shape), dtype=np.float32)
    for key, values in cam.items():
        scores[key + 1] = values
    scores[0] = threshold
    return _plain_counts(scores.argmax(axis=0), truth)


def _plain_counts(predicted: NDArray[Any], truth: NDArray[np.uint8]) -> list[int]:
    valid = truth != 255
    found = []
    for index in range(21):
        here, there = (predicted == index) & valid, (truth == index) & valid
        found += [int(here.sum()), int(there.sum()), int((here & there).sum())]
    return found


def _labels(file: Path) -> NDArray[np.uint8]:
    return np.array(Image.open(file))


def _authors(reference: Path, file: str) -> Any:
    """Import a script of the checkout, with libraries that it does not need here replaced."""
    morphology: Any = types.ModuleType("skimage.morphology")
    morphology.disk = lambda radius: cv2.circle(
        np.zeros((2 * int(radius) + 1,) * 2, np.uint8), (int(radius),) * 2, int(radius), 1, -1
    )
    for name in ("pandas", "skimage"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules.setdefault("skimage.morphology", morphology)
    spec = importlib.util.spec_from_file_location(f"authors_{file[:-3]}", reference / file)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    return module


def _authors_f(reference: Path, base: Path, ids: list[str]) -> float:
    script = _authors(reference, "contour_fscore.py")
    (base / "list.txt").write_text("\n".join(ids), encoding="utf-8")
    options = {"pred_path": base / "png", "gt_path": base / "gt", "img_list": base / "list.txt"}
    argv = [f"--{name}={value}" for name, value in options.items()] + ["--num_classes=20"]
    kept, sys.argv = sys.argv, ["contour_fscore.py", *argv]
    try:
        with redirect_stdout(io.StringIO()):
            return _once(script.main)
    finally:
        sys.argv = kept


def _authors_j(
    reference: Path, base: Path, ids: list[str], kind: str, thresholds: list[float]
) -> float:
    script = _authors(reference, "eval_cam_voc.py")
    folder = base / {"png": "png", "npy": "cam"}[kind]
    return _once(
        lambda: [
            script.do_python_eval(str(folder), str(base / "gt"), ids, 21, kind, threshold)
            for threshold in thresholds
        ]
    )
