"""Work shared among Python threads, each computing with one thread of torch.

A tile is too small to be split: torch's own threads would meet after every operation, which costs
more than it saves and stalls where other programs compete for the CPUs. Whole tiles are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch


def in_threads(tasks: Sequence[Callable[[], None]]) -> None:
    """Call every task, each in a thread of its own and without gradients; wait for all."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # new threads start with this too
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
