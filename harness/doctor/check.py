"""What a check takes and gives: a machine and the needs of a method in, one line out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.assets.declared import AssetStatus
from harness.doctor.finding import Finding
from harness.errors import HarnessError
from harness.manifest.catalogue import Repository, Stack
from harness.manifest.model import RuntimeName, Scale
from harness.measured.figures import ESTIMATE
from harness.plan.compatibility import Gpu
from harness.plan.plan import BoundStep


class State(StrEnum):
    """The state of a check."""

    OK = "ok"
    NOTE = "note"  # it will do, but look
    MISSING = "missing"  # the method cannot run so
    UNKNOWN = "unknown"  # it cannot be told before something else is there
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was found, what is needed, and what is missing or doubtful."""

    name: str
    state: State
    found: str
    needed: str
    findings: tuple[Finding, ...] = ()  # none unless the state is NOTE or MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder that is written to, and what its file system has left."""

    path: Path
    device: int  # places of one device share what is left
    free_gb: float
    free_inodes: int | None  # None: as many as the disk has room for


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found on this machine. A text in place of a value is why there is none."""

    engine: Mapping[str, Any] | str = "not asked"  # the engine's own report
    engine_address: str = ""
    engine_named: bool = False  # a variable gives the address
    engine_installed: bool = True  # its program is on PATH
    nvidia_hook: bool = False  # the container toolkit's hook is on PATH
    cdi_devices: tuple[str, ...] = ()  # GPUs that CDI specifications name
    gpus: tuple[Gpu, ...] | str = ()
    visible_devices: str | None = None  # CUDA_VISIBLE_DEVICES
    git: bool = True  # it is on PATH
    bubblewrap: str | None = None  # its version
    bubblewrap_obstacle: str = ""
    runs: Place
    cache: Place
    images: Place | None = None  # the engine's own, if on this machine
    memory_gb: float
    shm_gb: float  # of /dev/shm
    files: int  # most open files: the hard limit, to which steps raise their own
    files_soft: int  # what other programs get
    processes: int
    uid: int
    subordinate_ids: int = 0
    newuidmap: bool = False
    skew_seconds: float | None = None  # the file system's clock less the machine's; None: unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamFile:
    """A file of a repository that steps read and that has a contract of its own."""

    name: str  # REPOSITORY/PATH
    state: State
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the asked-for methods need; with no method: what any would."""

    runtime: RuntimeName
    scale: Scale = Scale.PAPER
    methods: tuple[str, ...] = ()
    unplanned: HarnessError | None = None  # why no plan can be made
    steps: Sequence[BoundStep] = ()  # that are not done yet
    peak_disk_gb: float = 0.0  # that these add at their peak
    peak_files: int = 0  # likewise
    disk_source: str = ESTIMATE
    ahead: Sequence[str] = ()  # what the steps take, a line each
    stacks: Mapping[str, Stack] = field(default_factory=dict)
    offered: Mapping[str, Sequence[str]] = field(default_factory=dict)  # method -> its stacks
    assets: Sequence[AssetStatus] = ()  # that the steps read
    mirror: Path | None = None
    repositories: Mapping[str, Repository] = field(default_factory=dict)  # that the steps use
    files: Sequence[UpstreamFile] = ()  # of these repositories

    @property
    def in_containers(self) -> bool:
        """Whether steps run on a container engine."""
        return self.runtime is not RuntimeName.PROCESS

    @property
    def gpus(self) -> int:
        """The most GPUs that a step needs."""
        return max((step.resources.gpus for step in self.steps), default=0)

    @property
    def names(self) -> str:
        """The methods, as a command names them."""
        return " ".join(self.methods)


Check = Callable[[Machine, Needs], Line]


def not_needed(name: str, why: str, found: str = "-") -> Line:
    """A line for what the method does without."""
    return Line(name=name, state=State.NOT_NEEDED, found=found, needed=why)


def unknown(name: str, needed: str, *first: str) -> Line:
    """A line for what can only be told once `first` is there."""
    found = f"not known without {', '.join(first)}"
    return Line(name=name, state=State.UNKNOWN, found=found, needed=needed)


def line(name: str, *, found: str, needed: str, bad: State, findings: Sequence[Finding]) -> Line:
    """A line that is ok if there are no findings, else `bad`."""
    state = bad if findings else State.OK
    return Line(name=name, state=state, found=found, needed=needed, findings=tuple(findings))
