"""Run a step, in bubblewrap or not, so that nothing it starts outlives it.

Called as a program: `python -I -S supervisor.py PARENT_PID ARGV...`. What the step leaves behind,
also in a session of its own, becomes a child of this process. It is ended before this process ends
with the step's own exit code or signal. When harness dies, all of it is ended too.

Every step starts one of these, so it imports next to nothing: `signal` brings `enum` and `pathlib`
half the library, which together take longer than Python's own start.
"""

# ruff: noqa: PTH123, PTH208

import _signal as signal  # type: ignore[import-not-found]
import ctypes
import os
import sys

_PARENT_DEATH_SIGNAL, _CHILD_SUBREAPER = 1, 36  # of prctl(2)
_PARENT_DIED = signal.SIGUSR1
_CATCHABLE = signal.valid_signals() - {
    *(signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, _PARENT_DIED)
}


def supervise(parent: int, argv: list[str]) -> int:
    """Run `argv` to its end, then end all that it left. The wait status of `argv`."""

    def end_if_orphaned(*_: object) -> None:
        if os.getppid() != parent:
            end_children()
            os._exit(1)

    signal.signal(_PARENT_DIED, end_if_orphaned)
    control(_CHILD_SUBREAPER, 1)
    control(_PARENT_DEATH_SIGNAL, _PARENT_DIED)
    end_if_orphaned()
    step = _start(argv)
    for number in _CATCHABLE:  # a step that signals its group means itself
        signal.signal(number, signal.SIG_IGN)
    ended, status = os.wait()
    while ended != step:
        ended, status = os.wait()
    end_children()
    return status


def _start(argv: list[str]) -> int:
    """Become two; the child is the step."""
    own = os.getpid()
    step = os.fork()
    if step == 0:
        for number in (_PARENT_DIED, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        control(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != own:
            os._exit(1)
        os.execvpe(argv[0], argv, os.environ)  # noqa: S606 - the step's own argv
    return step


def end_children() -> None:
    """Kill children until there are none: orphans of what was killed become children too."""
    how = os.WNOHANG  # at first: most steps leave nothing, and to list processes takes a while
    while True:
        try:
            os.waitpid(-1, how)
        except ChildProcessError:
            return
        for child in children(os.getpid()):
            os.kill(child, signal.SIGKILL)
        how = 0


def children(parent: int) -> list[int]:
    """Process ids of the children of a process, from /proc."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(name) == parent]


def _parent(process: str) -> int | None:
    """The parent of a process; None if it ended."""
    try:
        with open(f"/proc/{process}/stat", errors="replace") as file:
            # The name of the program, in parentheses, may hold anything.
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return None


def control(option: int, value: int) -> None:
    """Set an attribute of this process."""
    ctypes.CDLL(None, use_errno=True).prctl(option, value)


def _end_as(status: int) -> None:
    """End with the exit code of a wait status, or by its signal."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    _end_as(supervise(int(sys.argv[1]), sys.argv[2:]))
