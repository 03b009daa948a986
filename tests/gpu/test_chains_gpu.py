"""One training step of every chain on a GPU, by the real command; prints its peak memory."""

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


@pytest.mark.parametrize("method", chains.methods())
def test_a_chain_trains_on_the_gpu(
    method: str, gpu: Gpu, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = chains.Training(
        project=chains.prepare(tmp_path / "project", method),
        method=method,
        gpu=gpu,
        runs=tmp_path / "runs",
        runtime=chains.runtime(),
        environ=os.environ,
    )
    obstacles = training.obstacles()
    if obstacles:
        pytest.skip("; ".join(obstacles))
    with chains.Peak(lambda: Nvml().used_gb(gpu.uuid)) as peak:
        done = training.harness("reproduce")
    assert done.returncode == 0, done.stdout + done.stderr
    record, log = training.record()
    assert gpu.uuid in record["container"]["gpus"]
    assert "CPU shim" not in log
    assert peak.gb > 0
    with capsys.disabled():
        print(f"\n{method} {training.step} ({training.stack}): {peak.gb:.2f} GB on {gpu.title}")
