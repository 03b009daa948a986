"""Run a script in one process per GPU, with the variables of torch.distributed (RANK, ...).

``python -m harness.glue.ranks --count N SCRIPT [ARGUMENT ...]`` starts N processes. With N of 0 or
1 the tool replaces itself by the script. It is used instead of torch.distributed.launch, whose
newer releases pass an argument that old scripts reject, and it needs no name resolution. The
working directory is on Python's path. Each process seeds its data loaders differently. If a process
fails, the tool kills the others and exits with its status.
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
_SEEDS_APART = 1000003  # a large prime, so that seeds of two runs do not coincide


def environment(rank: int, count: int, port: int, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of one process; rank 0 keeps the step's seed."""
    env = {**given, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
    env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (given.get("PYTHONPATH"), str(Path.cwd()))))
    if given.get("HARNESS_SEED"):
        env["HARNESS_SEED"] = str(int(given["HARNESS_SEED"]) + rank * _SEEDS_APART)
    return env


def free_port() -> int:
    """Return a free TCP port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run(script: Sequence[str], count: int) -> int:
    """Run the processes; return the first nonzero exit status, or 0."""
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
    parser.add_argument("--count", type=int, required=True, help="number of processes")
    parser.add_argument("script", nargs=argparse.REMAINDER, help="script and its arguments")
    given = parser.parse_args(arguments)
    if not given.script:
        parser.error("expected a script")
    if given.count > 1:
        sys.exit(run(given.script, given.count))
    env = environment(0, 1, free_port(), os.environ)
    os.execve(sys.executable, [sys.executable, *given.script], env)  # noqa: S606 - no shell


def _first_failure(processes: Sequence[subprocess.Popen[bytes]]) -> int:
    running = list(processes)
    while running:
        ended = [process for process in running if process.poll() is not None]
        for process in ended:
            if process.returncode != 0:
                return process.returncode if process.returncode > 0 else 1
            running.remove(process)
        if running and not ended:
            time.sleep(_POLL)
    return 0


if __name__ == "__main__":
    main()
