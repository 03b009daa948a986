"""What a plan is: runs asked for by one command, their steps bound and de-duplicated by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.keys import digest, plain
from harness.core.model import Losses, Output, Resources, Scale, Shards


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A chain bound to losses, seed, scale and options, on one stack."""

    method: str
    backbone: str
    losses: Losses
    seed: int
    scale: Scale
    stack: str
    runtime: str
    options: Mapping[str, str]
    anchor: str | None = None  # the anchor that stands in for an output

    @property
    def id(self) -> str:
        """A readable name; options enter by a short hash: two settings never share a record."""
        parts = (self.method, self.backbone, self.losses.value, f"s{self.seed}")
        place = (self.scale.value, self.stack, self.runtime)
        anchor = ("anchor", self.anchor) if self.anchor else ()
        return "-".join((*parts, *place, digest(dict(self.options))[:6], *anchor))


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundInput:
    """Where an input comes from: a finished step, an asset, or a pristine checkout."""

    kind: str  # step | asset | repo
    ref: str  # key, asset or repository name
    path: str  # inside the step's /out, the asset, or the checkout
    target: str  # /in/NAME, or /data/NAME for an asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which share of a sharded step a step is."""

    whole: str  # key of the step that it is a part of
    number: int  # from 1
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundStep:
    """One step with everything filled in but places."""

    key: str
    parts: Mapping[str, Any]  # what the key is the hash of
    name: str
    stage: int
    about: str
    method: str
    stack: str
    scale: Scale
    repo: str | None
    patches: tuple[str, ...]
    cwd: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    links: Mapping[str, str]
    folders: tuple[str, ...]
    out_folders: tuple[str, ...]
    inputs: Mapping[str, BoundInput]
    outputs: Mapping[str, Output]
    packages: tuple[str, ...]
    seed: int | None
    threads: int
    workers: int
    resources: Resources
    progress: str | None
    score: str | None
    shards: Shards | None = None
    part: Part | None = None  # only while it is executed: plans hold whole steps

    @property
    def title(self) -> str:
        """The step as messages name it."""
        return f"step {self.name} ({self.method}, stage {self.stage})"

    @property
    def parents(self) -> tuple[str, ...]:
        """Keys of the steps this one reads from."""
        return tuple(dict.fromkeys(i.ref for i in self.inputs.values() if i.kind == "step"))

    @property
    def assets(self) -> tuple[str, ...]:
        """Fetched assets this step reads."""
        return tuple(dict.fromkeys(i.ref for i in self.inputs.values() if i.kind == "asset"))

    @property
    def provisional(self) -> bool:
        """Whether the key rests on an asset that nobody has hashed yet."""
        return "unverified:" in str(self.parts.get("inputs")) or bool(self.parts.get("provisional"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run and the keys of its steps, in order."""

    run: Run
    steps: Mapping[str, str]  # step name -> key

    @property
    def id(self) -> str:
        """The run's name."""
        return self.run.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Runs and their distinct steps, parents before children."""

    runs: tuple[PlannedRun, ...]
    steps: Mapping[str, BoundStep]

    @property
    def id(self) -> str:
        """The content address of the plan."""
        return digest([[planned.run.id, dict(planned.steps)] for planned in self.runs])[:16]

    @property
    def shared(self) -> int:
        """How many step executions sharing saves."""
        return sum(len(planned.steps) for planned in self.runs) - len(self.steps)

    def peak_disk_gb(self) -> float:
        """Estimated disk at its peak, in GB, if each intermediate goes once nobody needs it.

        Steps one after another, in the plan's order; a step can be dropped after its last reader if
        all its outputs are for consumers only.
        """
        last = {parent: key for key, step in self.steps.items() for parent in step.parents}
        dropped: dict[str, float] = {}  # by last reader
        for key, step in self.steps.items():
            if all(output.retain == "consumers" for output in step.outputs.values()):
                reader = last.get(key, key)
                dropped[reader] = dropped.get(reader, 0.0) + step.resources.disk_gb
        used = peak = 0.0
        for key, step in self.steps.items():
            used += step.resources.disk_gb
            peak = max(peak, used)
            used -= dropped.get(key, 0.0)
        return round(peak, 1)

    def document(self) -> dict[str, Any]:
        """Everything as plain JSON values: what is written under `runs/plans`."""
        return {
            "id": self.id,
            "runs": [
                {"id": planned.id, "run": plain(planned.run), "steps": dict(planned.steps)}
                for planned in self.runs
            ],
            "steps": {key: plain(step) for key, step in self.steps.items()},
        }
