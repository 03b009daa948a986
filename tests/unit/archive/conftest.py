"""Runs with full records, made up, and the archive of them."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.archive.contents import HandOver, hand_over
from harness.evidence.gather import gather
from harness.files import write_sealed
from harness.layout import ProjectLayout, RunLayout
from harness.manifest.catalogue import Catalogue
from harness.manifest.load import load_catalogue, load_method
from harness.manifest.model import Method
from harness.store.records import read_record
from tests.evidence import Finished, finish

PROJECT = ProjectLayout(Path(__file__).resolve().parents[3])
PATCH = "35e91ca53d84393a9418770aaf23ee121a614417627d7400be33719763f4627d"


def full(step: str) -> dict[str, Any]:
    """What the record of a step holds besides `tests.evidence`, of schema 4."""
    return {
        "identity": {
            "argv": ["python", f"{step}.py", "--seed", "1"],
            "environment": "e" * 64,
            "packages": {"site": "a" * 64},
            "source": {"commit": "c" * 40, "patches": [["losses", PATCH]], "sparse": ["/*"]},
            "inputs": {
                "weights": {"step": "f" * 64, "path": "final.pth", "target": "/in/weights"},
                "voc": {"asset": "d" * 64, "path": "voc", "target": "/data/voc"},
                "ids": {"repo": {"commit": "b" * 40}, "path": "lists", "target": "/in/ids"},
            },
        },
        "sources": {
            "demo-classifier+losses": {
                "commit": "c" * 40, "patches": [["losses", PATCH]], "tree": "t" * 40,
                "sparse": ["/*"], "missing": [],
            }
        },
        "command": {"env": {"HARNESS_THREADS": "1"}},
        "environment": {
            "id": "e" * 64, "python": "3.11.7", "platform": "linux-x86_64", "libc": "glibc 2.36",
            "torch": "2.0.1", "cuda": "11.7", "pip_freeze": ["torch==2.0.1+cu117", "numpy==1.23.5", "x @ file:///x"],
            "image": "sha256:" + "9" * 64, "base": "debian:bookworm-slim", "base_digest": "sha256:" + "8" * 64,
        },
        "host": {"name": "vm"},
        "use": {"peak_memory_gb": 1.5, "peak_gpu_memory_gb": {"GPU-1": 10.5, "GPU-2": 9.5}},
    }  # fmt: skip


def add_to_records(layout: RunLayout, run: str) -> None:
    """Fill the step records of a made-up run."""
    record = read_record(layout.run(run))
    assert record is not None
    for name, one in record["steps"].items():
        path = layout.entry(one["key"]).record
        step = dict(read_record(path) or {})
        added = full(name)
        inner = dict(step["identity"]["key_inputs"]) | added.pop("identity")
        step["identity"] = {**step["identity"], "key_inputs": inner}
        write_sealed(path, {**step, **added})


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """Four runs of the demo with full records, a sample and a weight beside the scores."""
    layout = RunLayout(tmp_path / "runs")
    for seed in (1, 2):
        for losses in ("none", "isl+fsl"):
            run = Finished(
                "demo",
                "tiny",
                losses,
                seed,
                J=60.0 + seed,
                F=40.0,
                options={"losses-mode": "exact"},
            )
            finish(layout, run)
            add_to_records(layout, run.id)
    for entry in layout.entries():
        (entry.out / "weights.pth").write_bytes(b"weights")
        (entry.out / "picture.jpg").write_bytes(b"picture")
    return layout


@cache
def project() -> tuple[Catalogue, Method]:
    """The catalogue and the demo."""
    catalogue = load_catalogue(PROJECT)
    return catalogue, load_method(PROJECT, "demo", catalogue)


def hand_over_all(layout: RunLayout) -> HandOver:
    """All runs, which are of the demo."""
    catalogue, method = project()
    return hand_over(PROJECT, catalogue, [method], gather(layout))


@pytest.fixture
def wanted(layout: RunLayout) -> HandOver:
    """What is handed over of them."""
    return hand_over_all(layout)
