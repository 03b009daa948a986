"""A Docker engine with a base image, for tests: the one DOCKER_HOST names, else one of our own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BASE = "debian:bookworm-slim"
_SCRIPT = Path(__file__).with_name("docker.sh")


@pytest.fixture(scope="session")
def docker_host(require: Callable[[bool, str], None]) -> Iterator[str]:
    """The address of an engine that has the base image. Ours stops with the last test process."""
    given = os.environ.get("DOCKER_HOST")
    if given:
        yield given
        return
    require(os.getuid() == 0, "starting a Docker engine takes root; set DOCKER_HOST to one")
    require(shutil.which("dockerd") is not None, "dockerd is not installed (apt: docker.io)")
    require(shutil.which("debootstrap") is not None, "debootstrap is not installed")
    users = Path(os.environ.get("HARNESS_SERVICES", "/tmp/harness-services")) / "users"
    users.mkdir(parents=True, exist_ok=True)
    mine = Path(tempfile.mkdtemp(dir=users, prefix=f"{os.getpid()}-"))
    try:
        host = _script("lend")
        _script("base")
        os.environ["DOCKER_HOST"] = host
        yield host
    finally:
        os.environ.pop("DOCKER_HOST", None)
        mine.rmdir()
        if not any(_alive(user) for user in users.iterdir()):
            _script("return")


def _script(verb: str) -> str:
    done = subprocess.run(
        [str(_SCRIPT), verb], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"docker.sh {verb}: {done.stderr}"
    return done.stdout.strip()


def _alive(user: Path) -> bool:
    if Path("/proc", user.name.partition("-")[0]).exists():
        return True
    shutil.rmtree(user, ignore_errors=True)  # it was killed before it could sign off
    return False
