"""Run a script once per GPU, as processes that find each other (RANK, WORLD_SIZE, MASTER_PORT ...).

``python -m harness.glue.ranks --count N SCRIPT [ARGUMENT ...]`` with N of 0 or 1 becomes the one
process. It takes the place of torch.distributed.launch, whose newer releases pass an argument that
old scripts refuse, and needs no name service. The working directory is on Python's path; each
process seeds its data loaders differently. When one of them fails, the others are ended and its
exit status is the tool's.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_POLL = 0.1  # seconds
_SEEDS_APART = 1000003  # a prime: no two runs' seeds meet


def environment(rank: int, count: int, port: int, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of one process; rank 0 keeps the step's seed."""
    env = {**given, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
    env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (given.get("PYTHONPATH"), str(Path.cwd()))))
    if given.get("HARNESS_SEED"):
        env["HARNESS_SEED"] = str(int(given["HARNESS_SEED"]) + rank * _SEEDS_APART)
    return env


def free_port() -> int:
    """Return a port that nothing on this machine listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(script: Sequence[str], count: int) -> int:
    """Run the processes to their end; return the first exit status that is not 0, or 0."""
    port = free_port()
    processes = [
        subprocess.Popen([sys.executable, *script], env=environment(rank, count, port, os.environ))
        for rank in range(count)
    ]
    try:
        return _first_failure(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = argparse.ArgumentParser(prog="harness.glue.ranks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("script", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    if not given.script:
        parser.error("expected a script")
    if given.count > 1:
        sys.exit(run(given.script, given.count))
    env = environment(0, 1, free_port(), os.environ)
    os.execve(sys.executable, [sys.executable, *given.script], env)  # noqa: S606 - the step itself


def _first_failure(processes: Sequence[subprocess.Popen[bytes]]) -> int:
    left = list(processes)
    while left:
        ended = [process for process in left if process.poll() is not None]
        for process in ended:
            if process.returncode != 0:
                return process.returncode if process.returncode > 0 else 1
            left.remove(process)
        if left and not ended:
            time.sleep(_POLL)
    return 0


if __name__ == "__main__":
    main()
