"""What harness adds to a container: nine steps under it, and the same commands run barely.

Both go through the same client, the Docker SDK, to the same engine, from the same image, without a
network.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .ours import Harness
from .workload import STEPS, Workload

BASE = "debian:bookworm-slim"


def obstacle() -> str:
    """Why nothing can be measured: no engine that DOCKER_HOST names answers, or it has no base."""
    from docker.errors import DockerException

    try:
        tags = [tag for image in _client().images.list() for tag in image.tags]
    except DockerException as error:
        return f"no container engine answers: {error}"
    return "" if BASE in tags else f"the engine has no {BASE}: tests/services/docker.sh base"


def rows(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Seconds of a bare run, and of a step under harness beyond a call with nothing to do."""
    repeat = 1 if quick else 5
    bare, steps = [], []
    with tempfile.TemporaryDirectory() as root:
        harness = Harness(Path(root, "cache"), "docker", ("--base", BASE, "--jobs", "1"))
        _step_seconds(harness, root)  # builds the image
        for _ in range(repeat):
            bare.append(_bare_seconds())
            steps.append(_step_seconds(harness, root))
    seconds = {"bare": statistics.median(bare), "harness": statistics.median(steps)}
    yield {
        "what": "a container step",
        "seconds": seconds,
        "rounds": {"bare": bare, "harness": steps},
        "ratio": seconds["harness"] / seconds["bare"],
    }


def _step_seconds(harness: Harness, root: str) -> float:
    """One of nine steps, one after another."""
    work = Workload(1)
    with tempfile.TemporaryDirectory(dir=root) as name:
        folder = Path(name)
        harness.write(folder, work)
        cold = harness.run(folder, work).seconds(folder)
        return (cold - harness.run(folder, work).seconds(folder)) / STEPS


def _bare_seconds() -> float:
    """One of nine runs of the copying command, one after another, each removed afterwards."""
    client = _client()
    with tempfile.TemporaryDirectory() as out:
        user = f"{os.getuid()}:{os.getgid()}"
        start = time.perf_counter()
        for number in range(STEPS):
            client.containers.run(
                BASE, ["sh", "-c", f"echo {number} > /out/file"], network_mode="none", remove=True,
                user=user, volumes={out: {"bind": "/out", "mode": "rw"}},
            )  # fmt: skip
        return (time.perf_counter() - start) / STEPS


def _client() -> Any:
    import docker

    return docker.from_env()
