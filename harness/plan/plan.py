"""What a plan is: runs asked for by one command, their steps bound and de-duplicated by key."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from harness.manifest.fields import touch
from harness.manifest.model import Losses, Output, Resources, RuntimeName, Scale, Shards
from harness.plan.keys import digest, plain
from harness.plan.work import BoundWork

#: How the digest of an asset begins that nobody has hashed yet; its name follows.
UNVERIFIED = "unverified:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How much of the paper's work a rehearsal does."""

    images: int  # in each list of pictures
    iterations: int  # of each training


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A chain bound to losses, seed, scale and options, on one stack."""

    method: str
    backbone: str
    losses: Losses
    seed: int
    scale: Scale
    stack: str
    runtime: RuntimeName
    options: Mapping[str, str]
    anchor: str | None = None  # the anchor that replaces an output
    rehearsal: Rehearsal | None = None  # at the scales of a rehearsal only

    @property
    def id(self) -> str:
        """A readable name; options enter by a short hash: two settings never share a record."""
        name = (self.method, self.backbone, self.losses.value, f"s{self.seed}")
        place = (self.scale.value, self.stack, self.runtime.value)
        anchor = ("anchor", self.anchor) if self.anchor else ()
        size = self.rehearsal
        part = (f"n{size.images}", f"k{size.iterations}") if size else ()
        return "-".join((*name, *place, digest(dict(self.options))[:6], *part, *anchor))


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundInput:
    """Where an input comes from: a finished step, an asset, or a pristine checkout."""

    kind: str  # step | asset | repo
    ref: str  # key, asset or repository name
    path: str  # inside the step's /out, the asset, or the checkout
    target: str  # /in/NAME, or /data/NAME for an asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Which share of a sharded step a step is."""

    whole: str  # key of the step that it is a shard of
    number: int  # from 1
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundStep:
    """One step with everything filled in but places."""

    key: str
    key_inputs: Mapping[str, Any]  # what the key is the hash of
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
    work: BoundWork = field(default_factory=BoundWork)
    shards: Shards | None = None
    shard: Shard | None = None  # only while it is executed: plans hold whole steps

    @property
    def title(self) -> str:
        """The step as messages name it."""
        return f"step {self.name} ({self.method}, stage {self.stage})"

    @property
    def whole(self) -> str:
        """The key under which plans hold it: a shard's is that of the step it is a shard of."""
        return self.shard.whole if self.shard else self.key

    @property
    def parents(self) -> tuple[str, ...]:
        """Keys of the steps this one reads from."""
        return tuple(dict.fromkeys(i.ref for i in self.inputs.values() if i.kind == "step"))

    @property
    def assets(self) -> tuple[str, ...]:
        """Fetched assets this step reads."""
        return tuple(dict.fromkeys(i.ref for i in self.inputs.values() if i.kind == "asset"))

    @property
    def sources(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(repository, patches) of the checkouts it works in or reads."""
        own = [(self.repo, self.patches)] if self.repo else []
        read = [(one.ref, ()) for one in self.inputs.values() if one.kind == "repo"]
        return tuple(dict.fromkeys([*own, *read]))

    @property
    def disk_gb(self) -> Mapping[str, float]:
        """Estimated GB of each output: as declared, else an equal share of the step's rest."""
        declared = {name: o.disk_gb for name, o in self.outputs.items() if o.disk_gb is not None}
        rest = max(0.0, self.resources.disk_gb - sum(declared.values()))
        others = len(self.outputs) - len(declared)
        return {name: declared.get(name, rest / max(others, 1)) for name in self.outputs}

    @property
    def provisional(self) -> bool:
        """Whether the key rests on an asset that nobody has hashed yet."""
        inputs = self.key_inputs["inputs"].values()
        unverified = any(str(one.get("asset")).startswith(UNVERIFIED) for one in inputs)
        return unverified or "provisional" in self.key_inputs

    def document(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        # What the key hashes is plain already and half of the step: it is not walked again.
        return {**plain(replace(self, key_inputs={})), "key_inputs": self.key_inputs}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run and the keys of its steps, in order."""

    run: Run
    steps: Mapping[str, str]  # step name -> key

    @property
    def id(self) -> str:
        """The run's name."""
        return self.run.id


@dataclass(frozen=True, kw_only=True)  # no slots: what takes all steps to find out is kept
class Plan:
    """Runs and their distinct steps, parents before children."""

    runs: tuple[PlannedRun, ...]
    steps: Mapping[str, BoundStep]

    @cached_property
    def id(self) -> str:
        """The content address of the plan."""
        return digest([[planned.run.id, dict(planned.steps)] for planned in self.runs])[:16]

    @cached_property
    def users(self) -> Mapping[str, tuple[Run, ...]]:
        """The runs that share each step, by its key."""
        found: dict[str, dict[str, Run]] = {key: {} for key in self.steps}
        for planned in self.runs:
            for key in planned.steps.values():
                found[key][planned.id] = planned.run
        return {key: tuple(runs.values()) for key, runs in found.items()}

    @cached_property
    def longest_name(self) -> int:
        """How many characters the longest name of a step has."""
        return max(len(step.name) for step in self.steps.values())

    @property
    def runtime(self) -> RuntimeName:
        """What isolates the steps: the same for all runs of one command."""
        return self.runs[0].run.runtime

    @property
    def scale(self) -> Scale:
        """The scale: the same for all runs of one command."""
        return self.runs[0].run.scale

    @property
    def shared(self) -> int:
        """How many step executions sharing saves."""
        return sum(len(planned.steps) for planned in self.runs) - len(self.steps)

    def peak_disk_gb(self, *, keep: bool = False, todo: Collection[str] | None = None) -> float:
        """Estimated disk at its peak, in GB, steps one after another in the plan's order.

        An output for consumers goes after its last reader, unless `keep`; what the plan ends in
        stays. With `todo` it is what these steps add to what is there.
        """
        whole = self.steps.keys() if todo is None else todo

        def most(step: BoundStep) -> float:
            return max(step.resources.disk_gb, sum(step.disk_gb.values()))

        return round(self._peak(whole, lambda step: step.disk_gb, most, keep=keep), 1)

    def peak_files(self, todo: Collection[str], per_listing: int) -> int:
        """How many files the steps `todo` add at their peak, by what an output per image has."""

        def files(step: BoundStep) -> Mapping[str, float]:
            has_ids = {name: hasattr(one.contract, "ids") for name, one in step.outputs.items()}
            return {name: per_listing if several else 1 for name, several in has_ids.items()}

        return int(self._peak(todo, files, lambda step: sum(files(step).values()), keep=False))

    def _peak(
        self,
        todo: Collection[str],
        sizes: Callable[[BoundStep], Mapping[str, float]],
        most: Callable[[BoundStep], float],
        *,
        keep: bool,
    ) -> float:
        """The peak of outputs of these sizes, of which a step may need more while it runs."""
        going = {} if keep else self._going(sizes)
        used = peak = 0.0
        for key, step in self.steps.items():
            if key in todo:
                peak = max(peak, used + most(step))
                used += sum(sizes(step).values()) - going.get(key, 0.0)
        return peak

    def _going(self, sizes: Callable[[BoundStep], Mapping[str, float]]) -> Mapping[str, float]:
        """The size of the outputs that nobody needs after a step, by that step."""
        readers: dict[str, list[tuple[str, str]]] = {}
        for key, step in self.steps.items():
            for one in step.inputs.values():
                if one.kind == "step":
                    readers.setdefault(one.ref, []).append((key, one.path))
        going: dict[str, float] = {}
        for key, reads in readers.items():
            for name, output in self.steps[key].outputs.items():
                if not output.always:
                    read = [reader for reader, path in reads if touch(output.path, path)]
                    last = read[-1] if read else key
                    going[last] = going.get(last, 0.0) + sizes(self.steps[key])[name]
        return going

    def document(self) -> dict[str, Any]:
        """Everything as plain JSON values: what is written under `runs/plans`."""
        return {
            "id": self.id,
            "runs": [
                {"id": planned.id, "run": plain(planned.run), "steps": dict(planned.steps)}
                for planned in self.runs
            ],
            "steps": {key: step.document() for key, step in self.steps.items()},
        }


def read_plan(document: Mapping[str, Any]) -> Plan:
    """A plan as `Plan.document` gave it."""
    runs = [
        PlannedRun(run=_reader(Run).validate_python(one["run"]), steps=one["steps"])
        for one in document["runs"]
    ]
    steps = {key: read_step(one) for key, one in document["steps"].items()}
    return Plan(runs=tuple(runs), steps=steps)


def read_step(document: Mapping[str, Any]) -> BoundStep:
    """A step as a plan's document holds it."""
    absent = dict.fromkeys(("repo", "seed", "progress", "score"))
    step: BoundStep = _reader(BoundStep).validate_python({**absent, **document})
    return step


@cache
def _reader(kind: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
