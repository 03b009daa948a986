"""What one step of a rehearsal took, as it is kept under `runs/measured/` and sent in."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from harness.manifest.fields import Name, Sha256, value
from harness.manifest.model import Losses, RuntimeName, Scale

#: Measurements come from files that people send in: everything has an end.
Seconds = Annotated[float, Field(ge=0, le=1e8, allow_inf_nan=False)]
Memory = Annotated[float, Field(ge=0, le=1e5, allow_inf_nan=False)]  # GiB
Number = Annotated[int, Field(ge=0, le=10**9)]
Bytes = Annotated[int, Field(ge=0, le=10**16)]
LONGEST_TEXT = 200
Text = Annotated[str, Field(max_length=LONGEST_TEXT, pattern=r"^[ -~]*$")]
#: The end of the step, in UTC: 2026-11-30T10:20:30.123456+00:00.
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$")]


@value
class Place:
    """The machine that a step ran on."""

    gpu: Text | None = None  # name of the card; None: none was given to the step
    gpus: Number = 0
    gpu_memory_gb: Memory | None = None  # of the smallest of them
    driver: Text | None = None
    cpu: Text
    cores: Number
    memory_gb: Memory


@value
class Rate:
    """Time of one iteration or picture, once the first ones are done."""

    unit: Literal["iteration", "picture"]
    done: Number  # in the rehearsal
    seconds: Seconds  # each
    at_most: bool = False  # an upper bound: too few for leaving the start out


@value
class Written:
    """What a step wrote into one output."""

    files: Number
    bytes: Bytes


@value
class Measurement:
    """What one step of a rehearsal took. GB are GiB, as everywhere in resources."""

    schema: Literal[1] = 1
    harness: Text
    method: Name
    step: Name
    backbone: Name
    losses: Losses
    options: Mapping[Name, Text] = Field(default_factory=dict)
    stack: Name
    runtime: RuntimeName
    scale: Scale
    key: Sha256
    ended: Moment
    place: Place
    images: Number  # in each list of the rehearsal
    iterations: Number  # asked of each training
    batch: Number | None = None  # pictures of one iteration
    stand_ins: bool = False  # it read drawn pictures or random weights
    seconds: Seconds  # from the attempt's start to its end
    start_seconds: Seconds | None = None  # until the first iteration or picture was done
    after_seconds: Seconds | None = None  # from the last one to the end
    evaluated: Number = 0  # pictures that a training evaluated after its iterations
    rate: Rate | None = None
    peak_memory_gb: Memory | None = None  # resident, of all processes
    peak_gpu_memory_gb: Memory | None = None  # in use on the card, as the driver reports it
    allocated_gb: Memory | None = None  # by torch's allocator for tensors
    reserved_gb: Memory | None = None  # by torch's allocator from the driver
    shm_gb: Memory | None = None
    open_files: Number | None = None  # of one process
    outputs: Mapping[Name, Written] = Field(default_factory=dict)

    @property
    def on_gpu(self) -> bool:
        """Whether it ran on a card."""
        return self.place.gpu is not None

    @property
    def source(self) -> str:
        """Where figures that rest on it come from, for messages."""
        where = self.place.gpu or self.place.cpu
        data = " with drawn data" if self.stand_ins else ""
        return f"measured on {where} on {self.ended[:10]}{data}"

    @property
    def least_gpu_memory_gb(self) -> float | None:
        """What no card can do without: the tensors, and what lies beside torch's allocator.

        The allocator keeps more than it needs where a card has more, so the peak says too much.
        """
        peak, allocated, reserved = self.peak_gpu_memory_gb, self.allocated_gb, self.reserved_gb
        if peak is None or allocated is None or reserved is None:
            return None
        return round(allocated + max(0.0, peak - reserved), 3)
