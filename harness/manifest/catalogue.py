"""What methods refer to: repositories, assets, stacks. See `model` for how they are declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from harness.manifest.contract import Contract
from harness.manifest.fields import (
    Address,
    Architecture,
    Commit,
    Date,
    Gigabytes,
    InnerPath,
    Name,
    Reference,
    Sha256,
    value,
)

#: What a step may have on its PYTHONPATH: ours, stand-ins (shims), hooks.
Package = Literal[
    "losses",
    "metrics",
    "glue",
    "mxnet",
    "chainercv",
    "torchnet",
    "tensorboard",
    "mmcv",
    "mmseg",
    "measure",
]


@value
class Repository:
    """An upstream git repository pinned to a full commit (or one embedded in the package)."""

    url: Address
    commit: Commit
    tree: Commit
    date: Date
    licence: str | None
    sparse: tuple[str, ...] = ("/*",)
    paper_only: tuple[str, ...] = ()
    #: Files that doctor checks where they are here; templates are paths in the repository.
    contracts: Mapping[InnerPath, Contract] = Field(default_factory=dict)
    stages: Mapping[str, str]
    embedded: InnerPath | None = None


@value
class SmokeMaker:
    """How a stand-in for an asset is made by a glue tool, as a step of stage 1."""

    argv: tuple[str, ...]
    inputs: Mapping[Name, Reference] = Field(default_factory=dict)
    packages: tuple[Package, ...] = ("glue",)
    path: InnerPath = "."  # the asset inside /out
    contract: Contract


@value
class Unpack:
    """The archive member that is the asset."""

    format: Literal["tar", "zip"]
    member: InnerPath


@value
class Asset:
    """A data set, list or pre-trained weight file that a step reads."""

    title: str
    urls: tuple[Address, ...] = ()
    sha256: Sha256 | None = None
    md5: str | None = None
    by_hand: str | None = None  # how to get a file that only a browser can fetch
    places: tuple[InnerPath, ...] = ()  # where it may lie under --data, besides its own name
    unpack: Unpack | None = None
    licence: str | None = None
    size_gb: Gigabytes
    contract: Contract
    smoke: SmokeMaker | None = None
    rehearsal: SmokeMaker | None = None  # for a rehearsal without the asset; left out: as `smoke`

    @property
    def rehearsed(self) -> SmokeMaker | None:
        """How it is made for a rehearsal on a machine that does not have it."""
        return self.rehearsal or self.smoke


@value
class Driver:
    """The oldest NVIDIA driver for Linux that runs a stack's CUDA."""

    minimum: Annotated[str, Field(pattern=r"^\d+(\.\d+)*$")]
    source: str


@value
class Stack:
    """A software stack: Python, torch, CUDA and the GPU architectures its wheels carry."""

    title: str
    python: str
    torch: str
    cuda: str | None
    archs: tuple[Architecture, ...] = ()
    ptx: Architecture | None = None
    driver: Driver | None = None
    base: str  # image reference of the base, resolved to a digest by harness.lock
    index: str | None = None  # extra package index for wheels missing in the default one


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that methods refer to."""

    repositories: Mapping[str, Repository]
    assets: Mapping[str, Asset]
    stacks: Mapping[str, Stack]
