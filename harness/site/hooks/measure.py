"""Measure a process of a rehearsed step, and print one line about it when the process ends.

The line goes to stderr as `harness-measure: {JSON}`. It holds, of this process:

seconds        from its start to its end
first_step     seconds from its start to the end of its first optimiser step
last_step      the same of its last one
steps          optimiser steps, of the optimiser that made most: an iteration as most scripts count
step_seconds   of one iteration, on the clock of this process: the mean from the end of step
               `WARM_STEPS` to the end of the last step (if there are no more steps than that: from
               the first step). It holds whatever a script does between two steps. CUDA runs
               behind the process; a script that reads its loss in each iteration waits for it.
gpu_seconds    the same between two events in CUDA's queue, so on the clock of the GPU; nothing
               waits for them before the process ends
warm           whether those two leave out the first steps
error          what CUDA said instead of the rest
allocated_gb   the most that torch's allocator held for tensors on one GPU, in GiB
reserved_gb    the most that torch's allocator took from the driver on one GPU, in GiB
open_files     the most files that one process had open, of this one and those below it
shm_gb         how much fuller /dev/shm was at its fullest than at the start, in GiB

What does not apply is left out. Files and /dev/shm are looked at every second, in a thread. A
process that ends by a signal or by os._exit prints nothing: workers of a DataLoader do, so their
files are looked at from here. A step of a scaler that found infinite gradients is no step.
"""

# ruff: noqa: PTH123, PTH208 - pathlib would add 10 ms to each start

from __future__ import annotations

import _thread
import atexit
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "harness-measure: "
WARM_STEPS = 3
_PAUSE_SECONDS = 1.0
_GIB = 2**30
_SHM = "/dev/shm"  # noqa: S108 - the file system that loaders share
_MOST_TEXT = 200  # characters of an error


# --- optimiser steps ------------------------------------------------------------------------------


class Moment:
    """A moment, on the clock of the process and perhaps in the queue of the GPU."""

    def __init__(self) -> None:
        self.seconds = time.monotonic()
        self.event = _event()

    def until(self, end: Moment) -> float:
        """Seconds on the clock of the process."""
        return end.seconds - self.seconds

    def on_gpu_until(self, end: Moment) -> float | None:
        """Seconds on the clock of the GPU. Waits for it. Raises RuntimeError if CUDA failed."""
        if self.event is None or end.event is None:
            return None
        end.event.synchronize()
        return float(self.event.elapsed_time(end.event)) / 1000


class Clock:
    """Times of one optimiser's steps: a count and three moments, however many steps there are."""

    def __init__(self) -> None:
        self.steps = 0
        self.inside = False  # a step that calls the step of its base class is one
        self.first: Moment | None = None
        self.warmed: Moment | None = None
        self.last: Moment | None = None

    def tick(self) -> None:
        """Count a step that just ended."""
        self.steps += 1
        self.last = Moment()
        if self.steps == 1:
            self.first = self.last
        if self.steps == WARM_STEPS:
            self.warmed = self.last

    @property
    def warm(self) -> bool:
        """Whether steps were timed after those that are slow."""
        return self.steps > WARM_STEPS

    def step_seconds(self) -> tuple[float | None, float | None]:
        """Seconds of an iteration, by the process and by the GPU. Raises RuntimeError."""
        start, before = (self.warmed, WARM_STEPS) if self.warm else (self.first, 1)
        if start is None or self.last is None or self.steps <= before:
            return None, None
        count = self.steps - before
        on_gpu = start.on_gpu_until(self.last)
        return start.until(self.last) / count, None if on_gpu is None else on_gpu / count


_CLOCKS: list[Clock] = []  # a script has a few optimisers
_MOST_CLOCKS = 64


def follow_optimisers(module: Any) -> None:
    """Time the steps of every optimiser that is made from now on, whatever its class."""
    make = module.Optimizer.__init__

    def __init__(self: Any, *args: Any, **named: Any) -> None:  # noqa: N807 - its name
        make(self, *args, **named)
        owner: Any = next(kind for kind in type(self).__mro__ if "step" in vars(kind))
        owner.step = _timed(owner.step)
        if len(_CLOCKS) < _MOST_CLOCKS:
            self.harness_clock = Clock()
            _CLOCKS.append(self.harness_clock)

    module.Optimizer.__init__ = __init__


def _timed(step: Any) -> Any:
    """The `step` of a class, timed. Schedulers replace that of an instance, which calls this."""
    if getattr(step, "harness_timed", False):
        return step

    def timed(self: Any, *args: Any, **named: Any) -> Any:
        clock = getattr(self, "harness_clock", None)
        if clock is None or clock.inside:
            return step(self, *args, **named)
        clock.inside = True
        try:
            result = step(self, *args, **named)
        finally:
            clock.inside = False
        clock.tick()
        return result

    timed.__name__, timed.__doc__ = step.__name__, step.__doc__
    vars(timed).update(vars(step), harness_timed=True)
    return timed


def _cuda() -> Any | None:
    """torch.cuda if this process uses a GPU."""
    cuda = sys.modules.get("torch.cuda")
    is_used = getattr(cuda, "is_initialized", None)  # not there if its import failed
    return cuda if is_used is not None and is_used() else None


def _event() -> Any | None:
    """An event in the queue of the GPU: nothing waits for it now."""
    cuda = _cuda()
    if cuda is None:
        return None
    event = cuda.Event(enable_timing=True)
    event.record()
    return event


# --- open files and shared memory -----------------------------------------------------------------


class Peaks:
    """The most open files of a process, and the fullest that /dev/shm was."""

    def __init__(self) -> None:
        self.open_files = 0
        self.shm_start = self.shm = _shm_used()

    def look(self) -> None:
        """Look once."""
        self.open_files = max([self.open_files, *map(_open_files, _family(os.getpid()))])
        self.shm = max(self.shm, _shm_used())

    def follow(self) -> None:
        """Look again and again; for a thread that ends with the process."""
        while True:
            self.look()
            time.sleep(_PAUSE_SECONDS)


def _shm_used() -> int:
    try:
        state = os.statvfs(_SHM)
    except OSError:  # a system without it
        return 0
    return (state.f_blocks - state.f_bfree) * state.f_frsize


def _open_files(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:  # it ended, or it is somebody else's
        return 0


def _family(root: int) -> list[int]:
    """The process `root` and all below it."""
    try:
        there = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:  # a system without it
        there = []
    parents = {pid: _parent(pid) for pid in there}
    found, new = [root], [root]
    while new:
        new = [pid for pid, parent in parents.items() if parent in new and pid not in found]
        found += new
    return found


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:  # it ended
        return 0


# --- the line -------------------------------------------------------------------------------------


class Process:
    """One process, from its start to the line that it prints."""

    def __init__(self) -> None:
        self.pid, self.start = os.getpid(), time.monotonic()
        self.peaks = Peaks()

    def report(self) -> None:
        """Print the line, at the end of the process that this is; a fork of it prints none."""
        if os.getpid() != self.pid:
            return
        import json

        self.peaks.look()
        text = f"\n{MARK}{json.dumps(self.found(), sort_keys=True)}\n"
        try:
            os.write(2, text.encode())  # in one piece, whatever other processes write
        except OSError:  # a step that closed its stderr has no line
            return

    def found(self) -> dict[str, Any]:
        """What was measured, without what does not apply."""
        values = {
            "seconds": time.monotonic() - self.start,
            "open_files": self.peaks.open_files,
            "shm_gb": (self.peaks.shm - self.peaks.shm_start) / _GIB,
            **_unless_cuda_failed(self.training),
            **_unless_cuda_failed(gpu_memory),
        }
        return {name: _rounded(value) for name, value in values.items() if value is not None}

    def training(self) -> dict[str, Any]:
        """Of the optimiser that made most steps."""
        clock = max(_CLOCKS, key=lambda one: one.steps, default=Clock())
        if clock.first is None or clock.last is None:
            return {}
        by_process, by_gpu = clock.step_seconds()
        return {
            "first_step": clock.first.seconds - self.start,
            "last_step": clock.last.seconds - self.start,
            "steps": clock.steps,
            "step_seconds": by_process,
            "gpu_seconds": by_gpu,
            "warm": clock.warm,
        }


def gpu_memory() -> dict[str, Any]:
    """The allocator's peaks, of the GPU on which they were highest. Raises RuntimeError."""
    cuda = _cuda()
    if cuda is None:
        return {}
    cards = range(cuda.device_count())
    return {
        "allocated_gb": max(map(cuda.max_memory_allocated, cards)) / _GIB,
        "reserved_gb": max(map(cuda.max_memory_reserved, cards)) / _GIB,
    }


def _unless_cuda_failed(find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `find` finds; if CUDA failed, which may be why the process ends, its error."""
    try:
        return find()
    except RuntimeError as error:
        return {"error": str(error)[:_MOST_TEXT]}


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def start(_: Any) -> None:
    """Begin to measure this process."""
    process = Process()
    atexit.register(process.report)
    _thread.start_new_thread(process.peaks.follow, ())


ACTIONS: dict[str, Callable[[Any], None]] = {
    "sys": start,  # imported already: at once
    "torch.optim.optimizer": follow_optimisers,
}
