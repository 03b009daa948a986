"""What `make gpu-check` does around the kernels, without a GPU: the stack, the command."""

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from harness.gpus.nvml import Nvml
from harness.layout import ProjectLayout
from harness.plan.compatibility import Gpu
from tests.fake_nvml import Card, FakeNvml
from tests.gpu import chains
from tests.played_nvml import play


def card(capability: tuple[int, int] = (9, 0)) -> Gpu:
    (found,) = Nvml(FakeNvml([Card("GPU-1", capability=capability)])).gpus()
    return found


@pytest.mark.parametrize(("method", "backbone"), chains.chains())
@pytest.mark.parametrize(
    ("capability", "stack"),
    [((7, 0), "cu117"), ((8, 0), "cu117"), ((9, 0), "cu130"), ((3, 5), None)],
)
def test_the_first_stack_that_drives_the_card(
    method: str, backbone: str, capability: tuple[int, int], stack: str | None, tmp_path: Path
) -> None:
    training = chains.Rehearsal(
        project=chains.SOURCE,
        method=method,
        backbone=backbone,
        gpu=card(capability),
        runs=tmp_path,
        runtime="docker",
        environ=os.environ,
    )
    assert training.stack == stack
    if stack is None:
        assert "no stack of" in training.obstacles()[0]


@pytest.fixture
def project(tmp_path: Path) -> ProjectLayout:
    """A copy of the project in which the demo's first training needs a GPU."""
    shutil.copytree(chains.SOURCE.root / "manifests", tmp_path / "project" / "manifests")
    for name in ("dockerfiles", "patches", "harness.lock"):
        (tmp_path / "project" / name).symlink_to(chains.SOURCE.root / name)
    copied = ProjectLayout(tmp_path / "project")
    stacks = yaml.safe_load(copied.stacks.read_text())
    stacks["stacks"]["host"] |= {"archs": ["sm_90"]}
    copied.stacks.write_text(yaml.safe_dump(stacks))
    document = yaml.safe_load(copied.method("demo").read_text())
    step = next(step for step in document["steps"] if step["name"] == "train-cam")
    step["resources"]["paper"] = {**step["resources"]["paper"], "gpus": 1}
    step["resources"]["rehearsal-cpu"] = {"memory_gb": 2}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    copied.method("demo").write_text(text)
    return copied


def rehearsal(project: ProjectLayout, root: Path, cards: list[Card]) -> chains.Rehearsal:
    """The demo's first training, whose network runs on whatever there is; its driver is played."""
    return chains.Rehearsal(
        project=project,
        method="demo",
        backbone="tiny",
        gpu=card(),
        runs=root / f"runs-{len(cards)}",
        runtime="process",
        environ=play(
            root / f"played-{len(cards)}",
            cards,
            environ={**os.environ, "HARNESS_CACHE": str(root / "cache")},
        ),
        until="train-cam",
    )


def test_a_rehearsal_with_a_played_driver(project: ProjectLayout, tmp_path: Path) -> None:
    """The command, lease and record are real."""
    training = rehearsal(project, tmp_path, [Card("GPU-1")])
    assert training.trainings == ("train-cam", "train-final")
    assert training.obstacles() == []
    done = training.rehearse()
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["scale"] == "rehearsal"
    record, log = training.record("train-cam")
    assert record["container"]["gpus"] == ["GPU-1"]
    assert "HARNESS_CPU_SHIM" not in record["command"]["env"]
    assert "CPU shim" not in log


def test_without_a_card_it_says_so(project: ProjectLayout, tmp_path: Path) -> None:
    bare = rehearsal(project, tmp_path, [])
    assert any("GPU-1" in obstacle for obstacle in bare.obstacles())
