"""The seams: `Runtime` isolates a step, `Environments` makes what it runs in, `Git` has sources.

Adapters implement them; the engine knows nothing else of docker, bubblewrap, venvs or git.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Protocol

from harness.manifest.model import Resources, RuntimeName
from harness.sources.git_objects import Entry


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
    facts: Mapping[str, object] = field(default_factory=dict)  # pip freeze, torch, image digest ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One isolated execution, ready to start: paths as `Runtime.sees` says."""

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

    `lost` says that only the view of it ended: it may go on, and `Runtime.attach` may find it.
    """

    cause: Cause
    code: int | None = None
    signal: str | None = None
    detail: str = ""
    lost: bool = False


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

    def ensure(self, method: str, stack: str, log: Path) -> Environment:
        """Build once, probe once, then reuse. Raises BuildError or NotReadyError."""
        ...


class Git(Protocol):
    """Plumbing on bare repositories. Only `fetch` and `fetch_blobs` ever use the network."""

    def create(self, repository: Path, *, borrow: Path | None = None) -> None:
        """Make a bare repository unless it is there; objects of `borrow` serve as alternates."""
        ...

    def has_commit(self, repository: Path, commit: str) -> bool:
        """Whether `commit` is there and is a commit."""
        ...

    def date(self, repository: Path, commit: str) -> str:
        """The day of `commit`, as its committer's clock had it: 2022-10-25."""
        ...

    def fetch(self, repository: Path, url: str, commit: str) -> None:
        """Fetch `commit`, without blobs where the server can do that. Raises NotReadyError."""
        ...

    def fetch_blobs(self, repository: Path, url: str, ids: Collection[str]) -> None:
        """Fetch these blobs in one request. Raises NotReadyError."""
        ...

    def export(self, repository: Path, commit: str, ids: Collection[str], target: Path) -> None:
        """Give the bare repository `target` this commit, its trees and these blobs."""
        ...

    def load(self, repository: Path, stream: bytes) -> None:
        """Store the objects and refs of a `git fast-import` stream."""
        ...

    def entries(self, repository: Path, commit: str) -> dict[str, Entry]:
        """Every path of the commit's tree, submodules included."""
        ...

    def missing(self, repository: Path, ids: Collection[str]) -> frozenset[str]:
        """Which of these objects the repository lacks."""
        ...

    def blobs(self, repository: Path, ids: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Each of these blobs, once."""
        ...

    def apply(self, folder: Path, patch: Path) -> None:
        """Apply a zero-context patch in `folder`. Raises MismatchError, changing nothing."""
        ...
