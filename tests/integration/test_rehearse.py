"""`harness rehearse` on a machine without a GPU, with the demo."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import PROJECT
from tests.outputs import valid


def rehearse(root: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """The real command, with no card at hand."""
    where = ("--project", str(PROJECT.root), "--runs", str(root / "runs"))
    options = ("--runtime", "process", "--until", "score-cam", *where, *words)
    return subprocess.run(
        [sys.executable, "-m", "harness", "rehearse", "demo", *options],
        env={**os.environ, "HARNESS_CACHE": str(root / "cache"), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_gpu_it_rehearses_on_the_cpu_and_says_what_that_leaves_open(
    tmp_path: Path,
) -> None:
    done = rehearse(tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert "no GPU was found, so steps run on the CPU. This cannot show:" in done.stderr
    assert "2 pictures in each list, 2 iterations of each training" in done.stderr
    said = valid(done.stdout)
    assert said["scale"] == "rehearsal-cpu"
    assert [one["name"] for one in said["steps"]] == ["data", "train-cam", "infer-cam", "score-cam"]
    for one in said["steps"]:
        assert one["status"] == "done"
        assert one["seconds"] > 0
        assert one["peak_memory_gb"] > 0
        assert one["peak_gpu_memory_gb"] is None
        assert one["disk_gb"] > 0
    # Both losses are the most expensive arm; one seed is enough to measure.
    (record,) = (tmp_path / "runs" / "runs").glob("*.json")
    run = json.loads(record.read_text())["run"]
    assert (run["losses"], run["seed"]) == ("isl+fsl", 1)
    assert run["rehearsal"] == {"images": 2, "iterations": 2}

    again = rehearse(tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("cached") == 4
    assert "GB" in again.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--images", "0"), "--images"), (("--losses", "x"), "--losses x"), (("--stack", "y"), "y")],
)
def test_what_it_does_not_take_is_named(tmp_path: Path, words: tuple[str, str], said: str) -> None:
    done = rehearse(tmp_path, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list((tmp_path / "runs").rglob("record.json"))
