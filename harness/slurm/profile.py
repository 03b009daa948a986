"""What a site's Slurm wants to be told: read strictly from a YAML file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, TypeAdapter

from harness.manifest.fields import value
from harness.manifest.load import load_file

#: The value of one option of sbatch.
Word = Annotated[str, StringConstraints(pattern=r"^[^\s\"'\\]+$", max_length=200)]
#: One more option of sbatch, as it is written: --NAME or --NAME=VALUE.
Option = Annotated[str, StringConstraints(pattern=r"^--[a-z][a-z0-9-]*(=[^\n]*)?$")]
#: A line of shell.
Line = Annotated[str, StringConstraints(pattern=r"^[^\n]+$")]
#: A living host writes a heartbeat every five seconds.
Patience = Annotated[float, Field(ge=15, le=86400)]


@value
class Placement:
    """Where steps of one kind go."""

    partition: Word | None = None
    qos: Word | None = None
    constraint: Word | None = None
    sbatch: tuple[Option, ...] = ()  # further options, behind all others


@value
class Profile:
    """How steps become jobs at one site."""

    account: Word | None = None
    reservation: Word | None = None
    gpu: Placement = Field(default_factory=Placement)  # steps with GPUs
    cpu: Placement = Field(default_factory=Placement)  # steps without
    gres: Word = "gpu"  # of a GPU: `gpu`, or with its type `gpu:a100`
    trust_allocation: bool = False  # the GPUs that the job names are used without a driver's word
    max_jobs: Annotated[int, Field(ge=3, le=100_000)] = 500  # in the queue at a time
    time_margin_minutes: Annotated[int, Field(ge=0, le=10_000)] = 30  # beyond the step's own limit
    max_hours: Annotated[float, Field(gt=0, le=1e6)] | None = None  # that the partitions allow
    memory_margin_gb: Annotated[float, Field(ge=0, le=1000)] = 2.0  # for harness beside the step
    lost_after_seconds: Patience = 300.0  # without heartbeat, until a host counts as lost
    visible_within_seconds: Annotated[float, Field(ge=1, le=86400)] = (
        60.0  # until a host sees the files of another
    )
    retries: Annotated[int, Field(ge=0, le=100)] = 2  # after infrastructure faults, in the job
    setup: tuple[Line, ...] = ()  # lines of shell before harness starts

    def placement(self, gpus: int) -> Placement:
        """Where a step with so many GPUs goes."""
        return self.gpu if gpus else self.cpu


def read_profile(path: Path) -> Profile:
    """Read a profile. Raises UsageError or ManifestError."""
    return load_file(path, Profile)


def json_schema() -> Mapping[str, Any]:
    """The JSON Schema of a profile."""
    return TypeAdapter(Profile).json_schema()
