"""A step as a child process: however it ends, nothing that it started is left.

In bubblewrap the kernel ends a step's namespace at once; any other step has a supervisor.
"""

import functools
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from harness.runtimes import supervisor

_POLL_SECONDS = 0.1


@contextmanager
def started(
    argv: Sequence[str], *, bubblewrap: bool, **how: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A command as `subprocess.Popen` starts it; it and all that it left are gone afterwards.

    With `bubblewrap` the command is one of bubblewrap. The child belongs to the calling thread,
    with which it ends.
    """
    kind = _in_namespace if bubblewrap and can_watch_processes() else _supervised
    with kind(argv, start_new_session=True, **how) as child:
        yield child


@contextmanager
def waiting_for(pid: int, stop: Event) -> Iterator[Callable[[float], object]]:
    """Yield what waits so many seconds at most: less if the process ends.

    Where no process can be watched it is less if `stop` is set.
    """
    try:
        descriptor = os.pidfd_open(pid) if can_watch_processes() else None
    except OSError:  # too many files are open
        descriptor = None
    if descriptor is None:
        yield stop.wait
        return
    try:
        yield lambda seconds: _until_ended(descriptor, seconds)
    finally:
        os.close(descriptor)


@functools.cache
def can_watch_processes() -> bool:
    """Whether the kernel tells when a process ends: Linux since 5.3."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def _until_ended(descriptor: int, seconds: float | None = None) -> None:
    poll = select.poll()  # select(2) takes no descriptor above 1,023
    poll.register(descriptor, select.POLLIN)
    poll.poll(None if seconds is None else 1000 * seconds)


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal, if the process is still there."""
    with suppress(ProcessLookupError):  # it ended by itself
        os.kill(pid, number)


@contextmanager
def _in_namespace(argv: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start bubblewrap, and wait for the first process in its namespace.

    bubblewrap ends when the step does, a moment before the kernel has ended what the step left.
    The first process inside ends after all others. bubblewrap tells its number and lets it go on
    once we watch it, so the number cannot be another process's by then.
    """
    with ExitStack() as held:
        told, tell = _pipe(held)
        waits, release = _pipe(held)
        options = ("--info-fd", str(tell.fileno()), "--block-fd", str(waits.fileno()))
        child = subprocess.Popen(
            [argv[0], *options, *argv[1:]], pass_fds=(tell.fileno(), waits.fileno()), **how
        )
        first: int | None = None
        try:
            tell.close()
            waits.close()
            if info := told.read():  # else it failed, and its log says why
                first = os.pidfd_open(json.loads(info)["child-pid"])
                held.callback(os.close, first)
            release.close()
            yield child
        finally:
            child.kill()
            if first is not None:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(first, signal.SIGKILL)
                _until_ended(first)
            child.wait()


def _pipe(held: ExitStack) -> tuple[Any, Any]:
    read, write = os.pipe()
    return held.enter_context(open(read, "rb")), held.enter_context(open(write, "wb"))  # noqa: PTH123


@contextmanager
def _supervised(argv: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a supervisor, which ends all that the command leaves before it ends itself."""
    program = [sys.executable, "-I", "-S", str(Path(supervisor.__file__)), str(os.getpid())]
    child = subprocess.Popen([*program, *argv], **how)
    try:
        yield child
    finally:
        # The supervisor last, since what it loses becomes its child.
        while child.poll() is None:
            for pid in supervisor.children(child.pid):
                signal_process(pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                child.wait(_POLL_SECONDS)
        with suppress(ProcessLookupError):  # all of it ended by itself
            os.killpg(child.pid, signal.SIGKILL)
