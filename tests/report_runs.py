"""Finished runs with pictures, logs and curves, made up for tests of the report."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from harness.contracts.content import describe
from harness.files import read_sealed, write_sealed
from harness.layout import RunLayout
from tests.evidence import Finished, finish

DATA = "d" * 64  # the key of the step that made the images and their ground truth
LOG = "".join(f"Iter: {at}/200 loss_cls:9.0 Loss:{2 - at / 200:.4f}\r\n" for at in range(200))


def finish_with_pictures(
    layout: RunLayout, runs: Iterable[Finished], size: tuple[int, int] = (40, 30), count: int = 12
) -> None:
    """Runs whose scores keep `count` samples of size width x height."""
    names = [f"2007_{at:06}" for at in range(count)]
    _draw_data(layout.entry(DATA).out / "voc", names, size)
    for run in runs:
        finish(layout, run)
        record: Any = read_sealed(layout.run(run.id))
        layout.entry(record["steps"]["train-final"]["key"]).log.write_text(LOG)
        for label, step in record["scored_by"].items():
            _keep(layout, record["steps"][step]["key"], label, names, size)


def _draw_data(root: Path, names: list[str], size: tuple[int, int]) -> None:
    for at, name in enumerate(names):
        _save(root / "SegmentationClass" / f"{name}.png", _labels(size, at % 3 + 1, 0))
        pixels = np.random.default_rng(at).integers(0, 255, (size[1], size[0], 3), np.uint8)
        file = root / "JPEGImages" / f"{name}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)


def _keep(layout: RunLayout, key: str, label: str, names: list[str], size: tuple[int, int]) -> None:
    """Add samples to a score step, as scoring does, and the curve of CAMs."""
    entry = layout.entry(key)
    folder = entry.out / "samples"
    for at, name in enumerate(names):
        if label == "cam":
            _save(folder / f"{name}-{at % 3 + 1}.png", _labels(size, 200, 1))
        else:
            _save(folder / f"{name}.png", _labels(size, at % 3 + 1, at % 5))
    scores = json.loads((entry.out / "scores.json").read_text())
    if label == "cam":
        grid = [at / 100 for at in range(60)]
        curve = [50 + 10 * at for at in grid]
        scores["curve"] = {"threshold": grid, "J": curve, "F": curve}
    scores["per_class"] = {str(at): {"J": 50.0 + at, "F": 40.0 if at else None} for at in range(21)}
    (entry.out / "scores.json").write_text(json.dumps(scores))
    record: Any = read_sealed(entry.record)
    record["outputs"] = {"scores": describe(entry.out / "scores.json"), "samples": describe(folder)}
    inputs = record["identity"]["key_inputs"]
    inputs["outputs"]["samples"] = {"path": "samples", "contract": {"kind": "folder"}}
    inputs["argv"] = ["python", "--gt", "{in.voc}/SegmentationClass", "--list", "{in.voc}/val.txt"]
    inputs["inputs"] = {"voc": {"step": DATA, "path": "voc", "target": "/in/voc"}}
    write_sealed(entry.record, record)


def _labels(size: tuple[int, int], value: int, shift: int) -> np.ndarray:
    labels = np.zeros((size[1], size[0]), np.uint8)
    labels[size[1] // 4 : -size[1] // 4, size[0] // 4 + shift : -size[0] // 4] = value
    return labels


def _save(file: Path, labels: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels).save(file)
