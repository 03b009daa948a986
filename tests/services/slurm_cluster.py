"""A Slurm cluster of two nodes on this machine, for one test at a time."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import descendants
from tests.services.lending import lent

_SCRIPT = Path(__file__).with_name("slurm.sh")
_SECONDS = 1200.0


class Cluster:
    """The nodes n1 and n2, with two stand-in GPUs each."""

    def __init__(self, conf: Path) -> None:
        self.conf, self.home = conf, conf.parent

    def call(self, *argv: str) -> str:
        """What one of Slurm's commands prints."""
        environ = {**os.environ, "SLURM_CONF": str(self.conf)}
        return subprocess.run(
            argv, env=environ, capture_output=True, text=True, check=True
        ).stdout.strip()

    def queue(self, form: str = "%i", *more: str) -> list[str]:
        """A line for each job that waits or runs."""
        return self.call("squeue", "--noheader", f"--format={form}", *more).splitlines()

    def node_of(self, job: str) -> str:
        """Where a job runs."""
        return self.call("squeue", "--noheader", "--format=%N", f"--jobs={job}")

    def running(self, step: str) -> str:
        """The id of the only job that runs this step."""
        jobs = [line.split("|") for line in self.queue("%i|%j", "--states=R")]
        (found,) = [job for job, name in jobs if step in name]
        return found

    def kill_node(self, name: str) -> None:
        """End a node as a power cut would: its slurmd, its slurmstepds and all that they started.

        The host is shared with the other node: only what descends from this node's slurmd goes.
        """
        daemon = int((self.home / f"{name}.pid").read_text())
        doomed = [daemon]
        for step in _slurmstepds():
            doomed += [step, *descendants(step)] if _is_of(step, name) else []
        for pid in doomed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def start_node(self, name: str) -> None:
        """Start a node that was killed."""
        subprocess.run([str(_SCRIPT), "node", name], check=True, capture_output=True, timeout=120)

    def until(self, true: Callable[[], object], what: str) -> None:
        """Wait until something is so, or fail."""
        end = time.monotonic() + _SECONDS
        while not true():
            assert time.monotonic() < end, (
                f"{what}: not so after {_SECONDS:g} s; {self.queue('%all')}"
            )
            time.sleep(0.2)

    def until_empty(self) -> None:
        """Wait until no job waits or runs."""
        self.until(lambda: not self.queue(), "the queue is empty")


@pytest.fixture(scope="session")
def slurm_conf() -> Iterator[Path]:
    """The configuration of a cluster that stops with the last test process."""
    with lent("slurm", "SLURM_CONF") as conf:
        yield Path(conf)


@pytest.fixture
def cluster(slurm_conf: Path) -> Iterator[Cluster]:
    """The cluster, empty and whole, before and after the test."""
    found = Cluster(slurm_conf)
    with (found.home / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes wait
        try:
            yield found
        finally:
            found.call("scancel", f"--user={os.getuid()}")
            found.start_node("n1")
            found.start_node("n2")
            found.until_empty()


def _slurmstepds() -> list[int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if "slurmstepd" in _read(pid, "cmdline")]


def _is_of(pid: int, node: str) -> bool:
    """Whether a slurmstepd was started for a node: a child of it knows the node's name."""
    return any(f"SLURMD_NODENAME={node}\0" in _read(one, "environ") for one in descendants(pid))


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""
