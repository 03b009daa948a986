"""A Docker engine with a base image, for tests: the one DOCKER_HOST names, else one of our own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.lending import lent

BASE = "debian:bookworm-slim"


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """The address of an engine that has the base image. Ours stops with the last test process."""
    given = os.environ.get("DOCKER_HOST")
    if given:
        yield given
        return
    with lent("docker", "DOCKER_HOST", "base") as host:
        yield host


class OwnEngine:
    """A Docker engine that belongs to one test, which may stop it and start it again."""

    def __init__(self, root: Path) -> None:
        self.root, self.host = root, f"unix://{root}/docker.sock"
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers.

        On a machine with much to do it may not wait long enough for its own containerd, and end.
        """
        end = time.monotonic() + 120
        while self._daemon is None or self.docker("version", check=False).returncode != 0:
            if self._daemon is None or self._daemon.poll() is not None:
                self._daemon = self._launch()
            assert time.monotonic() < end, (self.root / "log").read_text()[-2000:]
            time.sleep(0.1)

    def _launch(self) -> "subprocess.Popen[bytes]":
        (self.root / "pid").unlink(missing_ok=True)
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        words = [f"--{option}={self.root}/{place}" for option, place in places.items()]
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(
                ["dockerd", "--host", self.host, "--iptables=false", "--bridge=none", *words],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, with its containers; or kill it."""
        if self._daemon is not None:
            self._daemon.send_signal(number)
            self._daemon.wait(120)
            (self.root / "pid").unlink(missing_ok=True)
            self._daemon = None

    def docker(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[bytes]":
        """Docker's command line on it."""
        argv = ["docker", "--host", self.host, *words]
        return subprocess.run(argv, capture_output=True, check=check, timeout=120)

    def take_base(self, other: str) -> None:
        """Copy the base image from another engine."""
        argv = ["docker", "--host", other, "save", BASE]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as saving:
            argv = ["docker", "--host", self.host, "load"]
            subprocess.run(argv, stdin=saving.stdout, capture_output=True, check=True, timeout=300)
        assert saving.returncode == 0

    def remove(self) -> None:
        """Stop it and remove all it has stored."""
        if self._daemon is not None:
            containers = self.docker("ps", "-aq").stdout.decode().split()
            if containers:
                self.docker("rm", "-f", *containers)
        self.stop()
        # An engine that was killed leaves its mounts.
        for place in (*(self.root / "exec" / "netns").glob("*"), self.root / "data"):
            subprocess.run(["umount", "-R", str(place)], check=False, capture_output=True)
        shutil.rmtree(self.root)


@pytest.fixture(scope="module")
def own_engine(docker_host: str) -> Iterator[OwnEngine]:
    """An engine of this module's own, with the base image."""
    engine = OwnEngine(Path(tempfile.mkdtemp(prefix="harness-engine-")))
    try:
        engine.start()
        engine.take_base(docker_host)
        yield engine
    finally:
        engine.remove()
