"""The line that a process of a rehearsed step prints, from real processes with torch."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.execution.packages import stage
from harness.layout import RunLayout

TRAINING = """
import sys, torch
from torch.utils.data import DataLoader, Dataset
class Poly(torch.optim.SGD):  # as the repositories' own: its step calls that of its base
    def step(self, *given):
        return super().step(*given)
class Pictures(Dataset):
    def __len__(self):
        return 12
    def __getitem__(self, at):
        import time
        time.sleep(0.2)  # long enough that somebody looks
        return torch.ones(2), [torch.zeros(1) for _ in range(30)]
network = torch.nn.Linear(2, 1)
optimizer = Poly(network.parameters(), lr=0.1)
torch.optim.Adam(network.parameters()).step()  # another one
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
for picture, _ in DataLoader(Pictures(), batch_size=2, num_workers=2):
    network(picture).sum().backward()
    optimizer.step()
    schedule.step()
if sys.argv[1:] == ["fail"]:
    raise ValueError("boom")
"""


def run(folder: Path, code: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Its exit code, and what the lines of its processes hold."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={
            **os.environ,
            "PYTHONPATH": str(stage(RunLayout(folder), ("measure",))),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    mark = "harness-measure: "
    lines = [line for line in done.stderr.splitlines() if line.startswith(mark)]
    return done.returncode, [json.loads(line.removeprefix(mark)) for line in lines]


@pytest.mark.parametrize(("words", "code"), [((), 0), (("fail",), 1)])
def test_a_training_says_its_iterations_and_files(
    tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    ended, (said,) = run(tmp_path, TRAINING, *words)  # workers print nothing
    assert ended == code
    assert (said["steps"], said["warm"]) == (6, True)
    assert 0 < said["first_step"] < said["seconds"]
    assert 0 < said["step_seconds"] < said["seconds"]
    assert said["open_files"] > 15  # the loader's queues and tensors
    assert "allocated_gb" not in said


def test_nothing_is_imported_and_a_fork_prints_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "loaded = {'torch', 'numpy', 'threading', 'json'} & set(sys.modules)\n"
        "child = os.fork()\n"
        "if child: os.waitpid(child, 0)\n"
        "sys.exit(len(loaded))\n"
    )
    ended, said = run(tmp_path, code)
    assert ended == 0
    assert len(said) == 1


def test_a_closed_stderr_does_no_harm(tmp_path: Path) -> None:
    ended, said = run(tmp_path, "import os; os.close(2)")
    assert (ended, said) == (0, [])
