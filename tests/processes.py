"""The processes that a process started."""

import subprocess


def descendants(pid: int) -> list[int]:
    """Process ids below a process, the nearest first."""
    done = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop(0)
        inner = [child for child, above in parents if above == parent]
        found += inner
        waiting += inner
    return found
