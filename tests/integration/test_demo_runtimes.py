"""The demo gives equal scores in containers and in processes: two stores, nothing shared."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.services.docker_engine import BASE


def reproduce(runs: Path, runtime: str, *more: str) -> dict[str, Any]:
    words = ("reproduce", "demo", "--scale", "smoke", "--losses", "none,isl+fsl", "--seeds", "1")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "harness",
            *words,
            "--runtime",
            runtime,
            "--runs",
            str(runs),
            "--json",
            *more,
        ],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr + done.stdout
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def scores(document: dict[str, Any]) -> list[Any]:
    return [(run["losses"], run["scores"], run["stage_scores"]) for run in document["runs"]]


@pytest.mark.slow
@pytest.mark.docker
def test_docker_and_process_give_equal_scores(tmp_path: Path, docker_host: str) -> None:
    assert docker_host
    contained = reproduce(tmp_path / "docker", "docker", "--base", BASE)
    plain = reproduce(tmp_path / "process", "process")
    assert scores(contained) == scores(plain)
    assert len(contained["runs"]) == 2
    for document in (contained, plain):
        assert not any(step["cached"] for step in document["runs"][0]["steps"])
    again = reproduce(tmp_path / "process", "process")
    assert all(step["cached"] for run in again["runs"] for step in run["steps"])
    assert scores(again) == scores(plain)
