"""`harness anchor` on the demo: a file made by a run of its own is found again, a wrong one is not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.golden import PROJECT
from tests.outputs import valid


def harness(project: Path, *words: str, code: int = 0, place: Path | None = None) -> dict[str, Any]:
    """Run a command on the project, with runs and cache under `place`; its JSON."""
    place = place or project
    places = ("--project", str(project), "--runs", str(place / "runs"), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words, *places],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HARNESS_CACHE": str(place / "cache")},
    )
    assert done.returncode == code, done.stderr + done.stdout
    return valid(done.stdout)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a file that the demo's authors, we, release: its trained CAM network."""
    root = tmp_path_factory.mktemp("anchored")
    for name in ("manifests", "dockerfiles", "patches"):
        shutil.copytree(PROJECT.root / name, root / name)
    shutil.copy(PROJECT.lock, root / PROJECT.lock.name)
    words = ("demo", "--losses", "none", "--seeds", "1", "--runtime", "process", "--until", "cam")
    (run,) = harness(root, "reproduce", *words)["runs"]
    key = next(step["key"] for step in run["steps"] if step["name"] == "train-cam")
    _release(root, run["stage_scores"]["cam"]["J"])
    (weights,) = (root / "runs" / "store" / key[:2] / key / "out").glob("*.pth")
    shutil.copy(weights, root / "released.pth")
    return root


def _release(root: Path, known: float) -> None:
    method = root / "manifests" / "methods" / "demo.yaml"
    content = yaml.safe_load(method.read_text())
    step = next(step for step in content["steps"] if step["name"] == "train-cam")
    content["anchors"] = {
        "cam-network": {
            "about": "released",
            "asset": "demo-cam-network",
            "replaces": "train-cam.weights",
            "backbone": "tiny",
            "expect": [{"score": "cam", "value": known, "tolerance": 1e-6, "source": "a run"}],
        }
    }
    method.write_text(yaml.safe_dump(content, sort_keys=False))
    assets = root / "manifests" / "assets.yaml"
    listed = yaml.safe_load(assets.read_text())
    listed["assets"]["demo-cam-network"] = {
        "title": "the demo's CAM network",
        "by_hand": "train it",
        "places": ["released.pth"],
        "size_gb": 0.01,
        "contract": step["outputs"]["weights"]["contract"],
    }
    assets.write_text(yaml.safe_dump(listed, sort_keys=False))


def anchor(project: Path, data: Path, code: int = 0) -> dict[str, Any]:
    more = ("--runtime", "process", "--data", str(data))
    return harness(project, "anchor", "demo", *more, code=code, place=data)


def test_the_released_file_reaches_its_known_score_without_training(project: Path) -> None:
    document = anchor(project, project)
    assert document["holds"]
    assert [row["name"] for row in document["scores"]] == ["cam"]
    states = harness(project, "status")["runs"]
    names = {s["name"] for run in states if "anchor" in run["name"] for s in run["steps"]}
    assert "train-cam" not in names
    assert "infer-cam" in names


def test_a_missing_file_is_asked_for(project: Path, tmp_path: Path) -> None:
    document = anchor(project, tmp_path, code=3)
    assert "demo-cam-network" in document["error"]


def test_another_network_is_seen_to_deviate(project: Path, tmp_path: Path) -> None:
    import torch

    state = torch.load(project / "released.pth", weights_only=True)
    for name, value in state.items():
        if value.is_floating_point() and value.dim() > 1:
            state[name] = torch.zeros_like(value)
    torch.save(state, tmp_path / "released.pth")
    document = anchor(project, tmp_path, code=7)
    assert not document["scores"][0]["agrees"]
    assert document["scores"][0]["stage"] == 3
