"""Run tasks in Python threads; each of them computes with one torch thread.

A tile is too small to be split among torch's own threads. They would synchronise after every
operation, which costs more than it saves and stalls while other programs use the CPUs. Python
threads therefore work on whole tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch


def in_threads(tasks: Sequence[Callable[[], None]]) -> None:
    """Call every task in its own thread, without gradients, and wait for all of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # new threads inherit this
    try:
        if len(tasks) == 1:
            _quietly(tasks[0])
            return
        with ThreadPoolExecutor(len(tasks)) as pool:
            list(pool.map(_quietly, tasks))
    finally:
        torch.set_num_threads(before)


def _quietly(task: Callable[[], None]) -> None:
    with torch.no_grad():
        task()
