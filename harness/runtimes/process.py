"""The process runtime: a step as a child process, in bubblewrap where this machine allows it."""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event

from harness.errors import NotReadyError
from harness.manifest.model import RuntimeName
from harness.runtimes.children import signal_process, started, waiting_for
from harness.runtimes.limits import raise_open_files
from harness.runtimes.memory import MemoryPeak, oom_kills
from harness.runtimes.runtime import Cause, Command, Exit, Interactive, Mount, Survivor
from harness.runtimes.sandbox import Bubblewrap, Prefix, find_bubblewrap, wrap

_GRACE_SECONDS = 10.0
_POLL_SECONDS = (0.02, 0.1)  # between looks at a step: at first, and later; many steps are short
_HOUR = 3600.0
_SHELL_SIGNALLED = 128


class ProcessRuntime:
    """`harness.runtimes.runtime.Runtime` with child processes.

    In bubblewrap a step sees the same places as in a container: inputs read-only, no network, its
    own processes only. Where bubblewrap is not to be had it sees this machine's paths, and
    `isolated` is False: the engine then looks afterwards whether inputs were changed.
    """

    name = RuntimeName.PROCESS
    detaches = False

    def __init__(self, *, bubblewrap: bool = True, grace: float = _GRACE_SECONDS) -> None:
        found = find_bubblewrap() if bubblewrap else "bubblewrap was switched off"
        obstacle = Prefix.of(Path(sys.executable)).obstacle()
        self._bubblewrap: Bubblewrap | str = obstacle or found
        self._grace = grace
        self._prefixes: dict[Path, Prefix] = {}  # environments stay while steps run in them

    @property
    def isolated(self) -> bool:
        """Whether steps run in bubblewrap."""
        return isinstance(self._bubblewrap, Bubblewrap)

    def sees(self, mount: Mount) -> str:
        """The mount's target in bubblewrap, else its place on this machine."""
        return str(mount.target if self.isolated else mount.source)

    def isolation(self) -> Mapping[str, object]:
        """What is isolated and by what, for the record."""
        common = {"runtime": "process", "isolated": self.isolated, "limits": ["time"]}
        if isinstance(self._bubblewrap, Bubblewrap):
            by = f"bubblewrap {self._bubblewrap.version}"
            return {**common, "by": by, "network": "none", "inputs": "read-only", "warnings": []}
        warning = f"steps are not isolated: {self._bubblewrap}"
        inputs = "compared after the step"
        return {**common, "by": None, "network": "host", "inputs": inputs, "warnings": [warning]}

    def run(self, command: Command, log: Path, stop: Event) -> Exit:
        """Run to the end; once `stop` is set: TERM, grace, KILL. Raises NotReadyError."""
        python = Path(command.environment.python)
        if not python.exists():
            raise NotReadyError(
                f"the environment's Python is gone: {python}", hint="run `harness build` again"
            )
        raise_open_files()
        kills = oom_kills()
        with (
            log.open("wb") as stream,
            started(
                self._isolated_argv(command, python) or command.argv,
                bubblewrap=self.isolated,
                cwd=None if self.isolated else str(command.cwd),
                env=self._env(command, python),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            ) as child,
        ):
            limit = command.resources.time_limit_hours * _HOUR
            return _explained(self._follow(child, limit, stop), kills)

    def attach(self, command: Command, log: Path, stop: Event) -> Exit | None:
        """None: a child dies with its parent."""
        del command, log, stop
        return None

    def discard(self, name: str) -> None:
        """Nothing is left of a child that ended."""

    def interactive(self, command: Command, *, terminal: bool) -> Interactive:
        """The program in bubblewrap, or as it is.

        It has no supervisor, which would end a pasted line as soon as harness has ended.
        """
        del terminal
        raise_open_files()
        python = Path(command.environment.python)
        return Interactive(
            argv=tuple(self._isolated_argv(command, python) or command.argv),
            env={"TERM": os.environ.get("TERM", "dumb"), **self._env(command, python)},
            cwd=None if self.isolated else Path(command.cwd),
        )

    def survivors(self) -> tuple[Survivor, ...]:
        """None: children die with their parent."""
        return ()

    def _isolated_argv(self, command: Command, python: Path) -> list[str] | None:
        """The command line in bubblewrap; None where there is no bubblewrap."""
        if not isinstance(self._bubblewrap, Bubblewrap):
            return None
        prefix = self._prefix(python)
        devices = _gpu_devices() if command.gpus else ()
        before = wrap(self._bubblewrap, prefix, command.mounts, command.cwd, devices)
        inside = prefix.inside(python)
        return [*before, *(inside if one == str(python) else one for one in command.argv)]

    def _prefix(self, python: Path) -> Prefix:
        if python not in self._prefixes:
            self._prefixes[python] = Prefix.of(python)
        return self._prefixes[python]

    def _env(self, command: Command, python: Path) -> dict[str, str]:
        prefix = self._prefix(python)
        folder = Path(prefix.inside(python) if self.isolated else python).parent
        return {
            "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin",
            "CUDA_VISIBLE_DEVICES": ",".join(command.gpus),  # empty: no GPU that was not leased
            **command.env,
        }

    def _follow(self, child: subprocess.Popen[bytes], limit: float, stop: Event) -> Exit:
        deadline, memory = time.monotonic() + limit, MemoryPeak()
        pause, longest = _POLL_SECONDS
        with waiting_for(child.pid, stop) as wait:
            while child.poll() is None:
                memory.look(child.pid)
                wait(pause)
                if stop.is_set():
                    self._end(child)
                    return Exit(cause=Cause.INTERRUPTED)
                if time.monotonic() > deadline:
                    self._end(child)
                    detail = f"ran longer than {limit:g} seconds"
                    return Exit(cause=Cause.TIMEOUT, detail=detail, peak_memory_gb=memory.gb)
                pause = min(2 * pause, longest)
        return replace(self._exit(child.returncode), peak_memory_gb=memory.gb)

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        """TERM to the step, not to bubblewrap, whose end would kill the step at once; then KILL."""
        for pid in _group(child.pid):
            if _program(pid) != "bwrap":
                signal_process(pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(self._grace)

    def _exit(self, code: int) -> Exit:
        if code == 0:
            return Exit(cause=Cause.DONE, code=0)
        number = -code if code < 0 else code - _SHELL_SIGNALLED if self.isolated else 0
        if number in {one.value for one in signal.Signals}:
            return Exit(cause=Cause.SIGNAL, code=code, signal=signal.Signals(number).name)
        return Exit(cause=Cause.STEP, code=code)


def _explained(exit_: Exit, kills_before: int | None) -> Exit:
    """The end with who sent SIGKILL, as far as the kernel's count of its own kills tells."""
    if exit_.signal != "SIGKILL":
        return exit_
    kills = oom_kills()
    if kills is None or kills_before is None:
        return replace(exit_, detail="perhaps for want of memory")
    if kills > kills_before:
        detail = "the kernel ended a process for want of memory"
        return replace(exit_, cause=Cause.OOM, detail=detail)
    return replace(exit_, detail="not by the kernel for want of memory")


def _gpu_devices() -> tuple[str, ...]:
    return tuple(sorted(str(path) for path in Path("/dev").glob("nvidia*")))


def _group(leader: int) -> list[int]:
    """The processes of a group, on Linux from /proc, elsewhere the leader alone."""
    if platform.system() != "Linux":
        return [leader]
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if _group_of(pid) == leader]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
