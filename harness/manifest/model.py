"""What methods declare: steps, options, anchors. What they refer to is in `catalogue`.

Each class is a frozen dataclass that pydantic validates while a manifest is read (unknown keys
are refused), so one definition serves the reader, the planner and the JSON Schema.

Templates. Strings in `argv`, `env`, `links` and contracts may hold placeholders, and nothing
else in braces is touched:

=====================  ==========================================================
``{in.NAME}``          where the step sees input NAME (``/in/NAME``, assets under ``/data/NAME``)
``{out}`` ``{work}``   the step's writable output folder, its working directory
``{p.NAME}``           parameter NAME at the run's scale
``{o.NAME}``           the chosen value of option NAME; ``{o.NAME.FIELD}`` a field of that choice
                       (this one may also name an input's asset or step, and a score)
``{seed}``             the step's effective seed
``{workers}`` ``{threads}`` ``{gpus}``  explicit numbers of the step at the run's scale
``{backbone}`` ``{losses}`` ``{scale}``  names
``{images}`` ``{iterations}``  how much a rehearsal does; only where its scales alone can be meant
=====================  ==========================================================
"""

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from harness.manifest.catalogue import Package
from harness.manifest.contract import Contract
from harness.manifest.fields import (
    Gigabytes,
    Hours,
    InnerPath,
    Label,
    Name,
    Progress,
    Reference,
    Variable,
    value,
)

#: How manifests write the field of scale `rehearsal-cpu`.
CPU = Field(alias="rehearsal-cpu")
Count = Annotated[int, Field(ge=0, le=4096)]
#: A whole number, or an expression of such with placeholders, + - * // and parentheses.
Expression = int | str
#: What numpy's and torch's generators both take.
MOST_SEED = 2**32 - 1
Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]


class Losses(StrEnum):
    """What is injected into step 2: a row of Tables 6 and 7."""

    NONE = "none"
    ISL = "isl"
    FSL = "fsl"
    BOTH = "isl+fsl"

    @property
    def injected(self) -> tuple[str, ...]:
        """The injected losses by name: `isl+fsl` gives ("isl", "fsl")."""
        return () if self is Losses.NONE else tuple(self.value.split("+"))


class Scale(StrEnum):
    """How large a run is. Only runs at `paper` scale are judged against the paper.

    `paper` is the published setting; `demo` is the full setting of a method that nobody published.
    `rehearsal` has the full setting's parameters and resources, on a few pictures and iterations.
    `rehearsal-cpu` is a rehearsal without a GPU: pictures and crops of
    full size, in smaller batches. `smoke` proves wiring on a CPU with pictures of a few pixels.
    """

    PAPER = "paper"
    DEMO = "demo"
    REHEARSAL = "rehearsal"
    REHEARSAL_CPU = "rehearsal-cpu"
    SMOKE = "smoke"

    @property
    def judged(self) -> bool:
        """Whether scores are compared with the paper's."""
        return self is Scale.PAPER

    @property
    def full(self) -> bool:
        """Whether it is a method's full setting: every picture and every iteration."""
        return self in (Scale.PAPER, Scale.DEMO)

    @property
    def rehearsed(self) -> bool:
        """Whether it runs on a few pictures of full size, to measure and not to score."""
        return self in (Scale.REHEARSAL, Scale.REHEARSAL_CPU)

    @property
    def on_cpu(self) -> bool:
        """Whether steps run without a GPU: CUDA calls run on the CPU."""
        return self in (Scale.REHEARSAL_CPU, Scale.SMOKE)

    @property
    def at_full_cost(self) -> bool:
        """Whether a step needs what it needs for the paper: GPUs, memory, whole checkouts."""
        return self in (Scale.PAPER, Scale.REHEARSAL)


T = TypeVar("T")


def at_scale(scale: Scale, paper: T, rehearsal: T | None, rehearsal_cpu: T | None, smoke: T) -> T:
    """The value at a scale; `paper` is that of a method's full setting, whatever its name.

    A rehearsal that declares none has the next one towards it.
    """
    full = paper if rehearsal is None else rehearsal
    values = {
        Scale.PAPER: paper,
        Scale.DEMO: paper,
        Scale.REHEARSAL: full,
        Scale.REHEARSAL_CPU: full if rehearsal_cpu is None else rehearsal_cpu,
        Scale.SMOKE: smoke,
    }
    return values[scale]


class RuntimeName(StrEnum):
    """What isolates one step."""

    DOCKER = "docker"
    PODMAN = "podman"
    PROCESS = "process"


@value
class When:
    """A condition; every given field must hold."""

    losses: Literal["isl", "fsl", "any", "none"] | None = None
    scale: Scale | tuple[Scale, ...] | None = None  # one of these
    backbone: str | None = None
    options: Mapping[str, str] = Field(default_factory=dict)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The scales at which it can hold."""
        match self.scale:
            case None:
                return tuple(Scale)
            case Scale() as one:
                return (one,)
            case several:
                return several


@value
class Arguments:
    """Arguments that are there only under a condition."""

    when: When
    args: tuple[str, ...]

    @property
    def rehearsed(self) -> bool:
        """Whether they are there in rehearsals alone."""
        return self.when.scale is not None and all(one.rehearsed for one in self.when.scales)


@value
class Resources:
    """What a step needs; estimates are for planning and never enter a key."""

    gpus: Annotated[int, Field(ge=0, le=16)] = 0
    gpu_memory_gb: Gigabytes | None = None  # a card with less is refused if measured, else doubted
    gpu_memory_measured: str | None = None  # on what it was measured; left out: an estimate
    cpus: Annotated[int, Field(ge=1, le=4096)] = 1
    memory_gb: Annotated[Gigabytes, Field(gt=0)] = 8
    shm_gb: Annotated[Gigabytes, Field(gt=0)] = 8
    hours: Hours = 0.0
    disk_gb: Gigabytes = 0.0
    time_limit_hours: Annotated[Hours, Field(gt=0)] = 240.0


@value
class ResourcesAt:
    """Resources at each scale."""

    paper: Resources
    rehearsal: Resources | None = None  # left out: as `paper`
    rehearsal_cpu: Annotated[Resources | None, CPU] = None  # left out: as `rehearsal`
    smoke: Resources = Resources()

    def at(self, scale: Scale) -> Resources:
        """The resources at a scale; a rehearsal has the paper's limits and writes little."""
        if scale is Scale.REHEARSAL and self.rehearsal is None:
            few = self.smoke  # checkpoints are as large there
            return dataclasses.replace(self.paper, hours=few.hours, disk_gb=few.disk_gb)
        return at_scale(scale, self.paper, self.rehearsal, self.rehearsal_cpu, self.smoke)


@value
class CountAt:
    """An explicit whole number at each scale (never derived from the machine)."""

    paper: Count
    rehearsal: Count | None = None  # left out: as `paper`
    rehearsal_cpu: Annotated[Count | None, CPU] = None  # left out: as `rehearsal`
    smoke: Count

    def at(self, scale: Scale) -> int:
        """The number at a scale."""
        return at_scale(scale, self.paper, self.rehearsal, self.rehearsal_cpu, self.smoke)


# --- steps and methods ----------------------------------------------------------------------------


@value
class Output:
    """A named file or folder under the step's /out."""

    path: InnerPath
    contract: Contract
    retain: Literal["always", "consumers"] = "always"
    disk_gb: Gigabytes | None = None  # estimate at paper scale

    @property
    def always(self) -> bool:
        """Whether it is kept whoever has read it."""
        return self.retain == "always"


@value
class Shards:
    """A step of one file per id may be run in shards, each with its share of a list."""

    by: Annotated[str, Field(pattern=r"^\{in\.[A-Za-z][\w-]*\}(/.+)?$")]  # the list that is split
    max: Annotated[int, Field(ge=2, le=64)]


@value
class Work:
    """How much a step does at paper scale: what times measured in a rehearsal are multiplied by."""

    iterations: Expression | None = None  # optimiser steps
    evaluations: Expression | None = None  # how often a training evaluates pictures
    evaluated: Expression | None = None  # pictures of one evaluation
    pictures: Expression | None = None  # left out: those of the lists that its contracts name
    side_by_side: bool = False  # pictures are worked on by `workers` processes


@value
class Training:
    """What a training reads in batches; a rehearsal repeats the list to fill its iterations."""

    list: Annotated[str, Field(pattern=r"^\{in\.[A-Za-z][\w-]*\}/[^/]+$")]
    batch: str  # template of the number of images of one iteration


@value
class Step:
    """One command of one repository, or one glue tool of ours (`repo` left out)."""

    name: Name
    stage: Annotated[int, Field(ge=1, le=9)]
    about: str
    repo: Name | None = None
    cwd: InnerPath = "."
    argv: tuple[str | Arguments, ...]
    env: Mapping[Variable, str] = Field(default_factory=dict)
    losses_env: Mapping[Variable, str] = Field(
        default_factory=dict
    )  # only where losses are injected
    links: Mapping[InnerPath, str] = Field(default_factory=dict)  # in the working directory
    folders: tuple[InnerPath, ...] = ()  # made in the working directory before the start
    out_folders: tuple[InnerPath, ...] = ()  # made under /out, where upstream does not
    inputs: Mapping[Name, Reference] = Field(default_factory=dict)
    inputs_when: Mapping[Name, Mapping[Name, str]] = Field(
        default_factory=dict
    )  # input -> option -> the choice under which it is there
    outputs: Mapping[Name, Output]
    packages: tuple[Package, ...] = ()
    injects_losses: bool = False  # this step's argv or env depends on the run's losses
    stochastic: bool = False
    threads: CountAt
    workers: CountAt = CountAt(paper=0, smoke=0)
    resources: ResourcesAt
    gpus: str | None = (
        None  # template of the number of GPUs at paper scale, where an option sets it
    )
    backbones: tuple[str, ...] = ()  # empty: all
    scales: tuple[Scale, ...] = tuple(Scale)
    progress: Progress | None = None  # regex with groups `at` and `of` (and maybe `epoch`)
    score: Label | None = None  # its output `scores` holds {"scores": {"J", "F", "JF"}}
    test: bool = False  # about the test split: only where it is asked for
    shards: Shards | None = None
    trains: Training | None = None
    work: Work = Work()
    note: str | None = None


@value
class Choice:
    """One value of an option: extra fields for templates, and what it means."""

    about: str
    fields: Mapping[str, str] = Field(default_factory=dict)
    #: The background score that it fixes for steps that read CAMs, a multiple of 0.01.
    cam_background: Annotated[float, Field(ge=0, lt=0.6)] | None = None


@value
class Option:
    """A choice that the published sources leave open."""

    about: str
    published: str | None = None  # what the paper and the published code say about it
    default: str
    choices: Mapping[str, Choice]
    uses_masks: bool = False


@value
class Parameter:
    """A number or text of the recipe at each scale, with where it comes from."""

    paper: str | int | float
    rehearsal: str | int | float | None = None  # left out: as `paper`
    rehearsal_cpu: Annotated[str | int | float | None, CPU] = None  # left out: as `rehearsal`
    smoke: str | int | float
    source: str

    def at(self, scale: Scale) -> str | int | float:
        """The value at a scale; it may hold `{images}` and `{iterations}` of the rehearsal."""
        return at_scale(scale, self.paper, self.rehearsal, self.rehearsal_cpu, self.smoke)


@value
class SharedSteps:
    """Steps that several methods share, with their options and parameters."""

    shared_steps: Name
    about: str
    given: Mapping[Name, str] = Field(default_factory=dict)  # what a method must give: what it is
    repositories: Mapping[Name, tuple[Name, ...]] = Field(default_factory=dict)
    options: Mapping[Name, Option] = Field(default_factory=dict)
    parameters: Mapping[Name, Parameter] = Field(default_factory=dict)
    steps: tuple[Step, ...]


@value
class KnownScore:
    """A known score of a chain that starts from an anchor, in percent."""

    score: Name  # a score's label
    metric: Literal["J", "F"] = "J"
    value: Annotated[float, Field(ge=0, le=100)]
    tolerance: Annotated[float, Field(gt=0)]  # in points: what another card or decoder may change
    source: str


@value
class Anchor:
    """The authors' own file in the place of a step's output: proves an environment in hours."""

    about: str
    asset: Name
    replaces: Annotated[str, Field(pattern=r"^[\w-]+\.[\w-]+$")]  # STEP.OUTPUT
    backbone: Name
    options: Mapping[Name, str] = Field(default_factory=dict)  # with which the numbers were made
    expect: Annotated[tuple[KnownScore, ...], Field(min_length=1)]


@value
class Use:
    """A method's use of shared steps."""

    shared_steps: Name
    backbones: tuple[Name, ...] = ()  # empty: all
    given: Mapping[Name, Reference] = Field(default_factory=dict)


@value
class Method:
    """A method's chain, its options and parameters."""

    method: Name
    title: str
    backbones: Annotated[tuple[Name, ...], Field(min_length=1)]
    stacks: Annotated[tuple[Name, ...], Field(min_length=1)]  # the first is the default
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    full_scale: Literal[Scale.PAPER, Scale.DEMO] = Scale.PAPER  # what its fields `paper` hold
    fixed_seed: Seed = 1  # for stochastic steps that the chosen option keeps the seed from
    repositories: Mapping[Name, tuple[Name, ...]]  # name -> patches in order
    seed_option: Name | None = None  # its choices list the seeded steps in field `steps`
    losses_option: Name | None = None  # its choices list the steps that get the run's losses
    options: Mapping[Name, Option] = Field(default_factory=dict)
    parameters: Mapping[Name, Parameter] = Field(default_factory=dict)
    steps: tuple[Step, ...]
    uses: tuple[Use, ...] = ()  # shared steps; they come after its own
    anchors: Mapping[Name, Anchor] = Field(default_factory=dict)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The scales that it has."""
        return tuple(one for one in Scale if not one.full or one is self.full_scale)
