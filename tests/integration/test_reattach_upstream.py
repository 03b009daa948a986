"""Harness is killed in the middle of SEAM's training; the next call follows the same container."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.docker_engine import BASE

STEP = "train-cam"  # SEAM's step 2


def start(runs: Path, host: str) -> "subprocess.Popen[str]":
    words = ("reproduce", "seam", "--scale", "smoke", "--losses", "none", "--seeds", "1")
    place = ("--runtime", "docker", "--base", BASE, "--until", STEP, "--runs", str(runs), "--json")
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *words, *place],
        env={**os.environ, "DOCKER_HOST": host},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def in_training(process: "subprocess.Popen[str]", host: str, runs: Path) -> str:
    """Wait until the training has said something of its progress; the container's id."""
    labels = (f"label=harness.runs={runs.resolve()}", f"label=harness.step={STEP}")
    filters = [word for label in labels for word in ("--filter", label)]
    while True:
        assert process.poll() is None, process.communicate()
        argv = ["docker", "--host", host, "ps", "--no-trunc", "-q", *filters]
        found = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
        logs = [path for path in runs.glob("attempts/*/output.log") if "loss" in path.read_text()]
        if found and logs:
            return found[0]
        time.sleep(0.5)


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.upstream
@pytest.mark.timeout(3600)
def test_seam_training_goes_on_without_harness(
    tmp_path: Path, docker_host: str, require: Callable[[bool, str], None]
) -> None:
    require("HARNESS_MIRROR" in os.environ, "HARNESS_MIRROR names no mirror")
    first = start(tmp_path, docker_host)
    container = in_training(first, docker_host, tmp_path)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    argv = ["docker", "--host", docker_host, "inspect", "-f", "{{.Name}}", container]
    name = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip("/\n")

    second = start(tmp_path, docker_host)
    out, err = second.communicate()

    assert second.returncode == 0, err
    assert f"following {name}" in err
    steps = {one["name"]: one for one in json.loads(out)["runs"][0]["steps"]}
    entry = tmp_path / "store" / steps[STEP]["key"][:2] / steps[STEP]["key"]
    record = json.loads((entry / "record.json").read_text())
    assert record["container"]["name"] == name
    assert record["attempt"] | {"owner": None} == {
        "number": 1,
        "earlier": [],
        "reattached": 1,
        "owner": None,
    }
