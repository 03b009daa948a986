"""What `make gpu-check` does around the kernels, without a GPU: plans, the command, the measuring."""

import itertools
import os
import threading
from pathlib import Path

import pytest
import yaml

from harness.commands import plan as verbs
from harness.commands.context import Context
from harness.gpus.nvml import Nvml
from harness.layout import CacheLayout, ProjectLayout, RunLayout
from harness.manifest.model import Losses, Scale
from harness.plan.compatibility import Gpu
from harness.plan.make import Ask
from harness.plan.plan import Plan
from tests.fake_nvml import GB, Card, FakeNvml
from tests.gpu import chains
from tests.played_nvml import play


def card(capability: tuple[int, int] = (9, 0)) -> Gpu:
    (found,) = Nvml(FakeNvml([Card("GPU-1", capability=capability)])).gpus()
    return found


def plan(project: ProjectLayout, method: str, root: Path) -> Plan:
    context = Context(
        project=project, layout=RunLayout(root / "runs"), cache=CacheLayout(root / "cache")
    )
    loaded = chains.load(project, method)
    ask = Ask(
        methods=(method,),
        backbone=loaded.backbones[0],
        losses=(Losses.BOTH,),
        seeds=1,
        scale=Scale.SMOKE,
        until=(chains.first_training(loaded),),
    )
    return verbs.plan(context, ask)


@pytest.mark.parametrize("method", chains.methods())
def test_only_the_training_moves_to_the_gpu(method: str, tmp_path: Path) -> None:
    name = chains.first_training(chains.load(chains.SOURCE, method))
    before = plan(chains.SOURCE, method, tmp_path)
    after = plan(chains.prepare(tmp_path / "project", method), method, tmp_path)
    assert before.steps.keys() - after.steps.keys() == {before.runs[0].steps[name]}
    (key,) = after.steps.keys() - before.steps.keys()
    moved, was = after.steps[key], before.steps[before.runs[0].steps[name]]
    assert moved.name == name
    assert (moved.resources.gpus, was.resources.gpus) == (1, 0)
    assert moved.env == {**was.env, "HARNESS_CPU_SHIM": "0"}
    assert (moved.argv, moved.outputs, moved.repo) == (was.argv, was.outputs, was.repo)
    assert "losses" in moved.packages


@pytest.mark.parametrize("method", chains.methods())
@pytest.mark.parametrize(
    ("capability", "stack"),
    [((7, 0), "cu117"), ((8, 0), "cu117"), ((9, 0), "cu130"), ((3, 5), None)],
)
def test_the_first_stack_that_drives_the_card(
    method: str, capability: tuple[int, int], stack: str | None, tmp_path: Path
) -> None:
    training = chains.Training(
        project=chains.SOURCE,
        method=method,
        gpu=card(capability),
        runs=tmp_path,
        runtime="docker",
        environ=os.environ,
    )
    assert training.stack == stack
    if stack is None:
        assert "no stack of" in training.obstacles()[0]


def test_a_whole_training_with_a_played_driver(tmp_path: Path) -> None:
    """The demo's, whose network runs on whatever there is; the command, lease and record are real."""
    project = chains.prepare(tmp_path / "project", "demo")
    stacks = yaml.safe_load(project.stacks.read_text())
    stacks["stacks"]["host"] |= {"archs": ["sm_90"]}
    project.stacks.write_text(yaml.safe_dump(stacks))
    outer = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    training = chains.Training(
        project=project,
        method="demo",
        gpu=card(),
        runs=tmp_path / "runs",
        runtime="process",
        environ=play(tmp_path / "played", [Card("GPU-1")], environ=outer),
    )
    assert training.obstacles() == []
    done = training.harness("reproduce")
    assert done.returncode == 0, done.stdout + done.stderr
    record, log = training.record()
    assert record["container"]["gpus"] == ["GPU-1"]
    assert record["command"]["env"]["HARNESS_CPU_SHIM"] == "0"
    assert "CPU shim" not in log
    bare = chains.Training(
        project=project,
        method="demo",
        gpu=card(),
        runs=tmp_path / "runs-2",
        runtime="process",
        environ=play(tmp_path / "no", [], environ=outer),
    )
    assert any("GPU-1" in obstacle for obstacle in bare.obstacles())


def test_the_peak_is_what_came_on_top_at_most() -> None:
    looks = itertools.count()
    seen = threading.Event()
    use = [5.0, 7.5, 11.25, 6.0]

    def used() -> float:
        at = next(looks)
        if at >= len(use):
            seen.set()
        return use[min(at, len(use) - 1)]

    with chains.Peak(used, seconds=0.001) as peak:
        assert seen.wait(60)
    assert peak.gb == 6.25


def test_a_card_tells_what_it_has_in_use() -> None:
    library = FakeNvml([Card("GPU-1", used=3 * GB)])
    with chains.Peak(lambda: Nvml(library).used_gb("GPU-1")) as peak:
        pass
    assert peak.gb == 0.0
