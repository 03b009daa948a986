"""What isolates a step (`Runtime`) and makes what it runs in (`Environments`): the protocols."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Protocol

from harness.manifest.model import Resources, RuntimeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A host path and where an isolated step sees it."""

    source: Path
    target: PurePosixPath
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a step runs in.

    `id` is the environment id of the key, `handle` what the runtime starts (an image id, or the
    path of a Python interpreter), `python` the interpreter as the step sees it.
    """

    id: str
    handle: str
    python: str
    probe: Mapping[str, object] = field(default_factory=dict)  # pip freeze, torch, image digest ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One isolated execution, ready to start: paths as `Runtime.sees` maps them."""

    name: str  # unique; the container's name
    environment: Environment
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: PurePosixPath
    mounts: tuple[Mount, ...]
    resources: Resources
    threads: int
    labels: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()  # UUIDs


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """An execution that nobody discarded yet: it runs on, or its end was not read."""

    name: str  # of its command
    labels: Mapping[str, str]  # of its command
    running: bool
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactive:
    """A program to start at the user's terminal."""

    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None  # its whole environment; None: the caller's
    cwd: Path | None = None

    def line(self) -> str:
        """The program as one line for a shell, from whatever folder and environment."""
        settings = () if self.env is None else tuple(f"{k}={v}" for k, v in self.env.items())
        program = shlex.join(
            self.argv if self.env is None else ("env", "-i", *settings, *self.argv)
        )
        return program if self.cwd is None else f"(cd {shlex.quote(str(self.cwd))} && {program})"


class Cause(StrEnum):
    """Why an execution ended."""

    DONE = "done"
    STEP = "step"  # its own failure
    SIGNAL = "signal"
    OOM = "out-of-memory"
    TIMEOUT = "time-out"
    INFRASTRUCTURE = "infrastructure"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How an execution ended; `code` is None where there is none.

    `peak_memory_gb` is the most that its processes had resident at once, as looked at about ten
    times a second; a page that several share counts for each. None if nobody could look.

    `lost` means that only the view of it ended: it may go on, and `Runtime.attach` may find it.
    """

    cause: Cause
    code: int | None = None
    signal: str | None = None
    detail: str = ""
    lost: bool = False
    # Measured, so two ends are equal whatever they took. Of GPUs by UUID, empty if none was seen.
    peak_memory_gb: float | None = field(default=None, compare=False)
    peak_gpu_memory_gb: Mapping[str, float] = field(default_factory=dict, compare=False)


class Runtime(Protocol):
    """Isolates one step."""

    name: RuntimeName
    detaches: bool  # whether a set `stop` only ends the view of an execution, which goes on

    def sees(self, mount: Mount) -> str:
        """Where a step finds `mount`: its target, or its source where not isolated."""
        ...

    def isolation(self) -> Mapping[str, object]:
        """What is isolated and by what (engine, version, limits), for the record."""
        ...

    def run(self, command: Command, log: Path, stop: Event) -> Exit:
        """Run to the end, stdout and stderr into `log`; once `stop` is set: TERM, grace, KILL.

        Never raises for the step's own failure. Raises NotReadyError if the engine is not there.
        What is left of an execution, its end too, stays until `discard`.
        """
        ...

    def attach(self, command: Command, log: Path, stop: Event) -> Exit | None:
        """Follow what another process started by `run` to its end, as `run` would.

        None if it is not there, or was never started. Raises NotReadyError.
        """
        ...

    def discard(self, name: str) -> None:
        """End the execution of that name if it runs (TERM, grace, KILL) and forget it.

        Nothing happens if it is not there. Raises NotReadyError.
        """
        ...

    def interactive(self, command: Command, *, terminal: bool) -> Interactive:
        """`command` for a person at a terminal, isolated like any. Raises NotReadyError."""
        ...

    def survivors(self) -> Sequence[Survivor]:
        """Every execution of any harness that was not discarded. Raises NotReadyError."""
        ...


class Environments(Protocol):
    """Makes environments for one runtime."""

    def identify(self, method: str, stack: str) -> str:
        """The environment id, without building anything."""
        ...

    def ensure(self, method: str, stack: str, log: Path, /) -> Environment:
        """Build once, probe once, then reuse. Raises BuildError or NotReadyError."""
        ...
