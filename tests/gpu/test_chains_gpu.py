"""One iteration of every training of every chain on a GPU, as `harness rehearse` runs it."""

import os
from pathlib import Path

import pytest

from harness.gpus.nvml import Nvml
from harness.gpus.selection import visible
from harness.plan.compatibility import Gpu
from tests.gpu import chains

pytestmark = [pytest.mark.gpu, pytest.mark.slow]


@pytest.fixture(scope="module")
def gpu() -> Gpu:
    found = visible(Nvml().gpus(), os.environ)
    if not found:
        pytest.skip("no NVIDIA GPU that may be used")
    return found[0]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all chains: they share steps."""
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize(("method", "backbone"), chains.chains())
def test_every_training_of_a_chain_runs_on_the_gpu(
    method: str, backbone: str, gpu: Gpu, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rehearsal = chains.Rehearsal(
        project=chains.SOURCE,
        method=method,
        backbone=backbone,
        gpu=gpu,
        runs=runs,
        runtime=chains.runtime(),
        environ=os.environ,
    )
    obstacles = rehearsal.obstacles()
    if obstacles:
        pytest.skip("; ".join(obstacles))
    done = rehearsal.rehearse()
    assert done.returncode == 0, done.stdout + done.stderr
    for name in rehearsal.trainings:
        record, log = rehearsal.record(name)
        assert gpu.uuid in record["container"]["gpus"]
        assert "CPU shim" not in log
        peak = record["use"]["peak_gpu_memory_gb"][gpu.uuid]
        assert peak > 0
        with capsys.disabled():
            print(f"\n{method} {name} ({rehearsal.stack}): {peak:.1f} GB on {gpu.title}")
