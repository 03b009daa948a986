"""What ran, as actions: each run, and each step once, however many runs share it."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.archive.contents import place_in_runs, shown_log, shown_outputs
from harness.archive.jsonld import ENGINE, Entity, entity, property_value, ref, refs, short_hash
from harness.archive.workflow import (
    ASKED,
    environment_id,
    input_id,
    output_id,
    score_id,
    step_id,
    tool_id,
)
from harness.evidence.evidence import RunEvidence, StepEvidence
from harness.layout import RunLayout

_DONE = "http://schema.org/CompletedActionStatus"
_FAILED = "http://schema.org/FailedActionStatus"
_SECOND, _GIBIBYTE = "http://qudt.org/vocab/unit/SEC", "http://qudt.org/vocab/unit/GibiBYTE"
_IMAGE = "https://w3id.org/ro/terms/workflow-run#DockerImage"
_PACKAGE = "https://pypi.org/project/{}/{}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """The actions of some runs under `layout`; `workflows` are their manifests by method."""

    layout: RunLayout
    runs: tuple[RunEvidence, ...]
    workflows: Mapping[str, str]

    def entities(self) -> Iterator[Entity]:
        """Everything about what ran; entities that several refer to may come twice, but equal."""
        for run in self.runs:
            yield from self._run(run)
        for step in self._steps().values():
            yield from self._step(step)

    def ids(self) -> list[str]:
        """The executions of runs and steps."""
        return [run_id(run) for run in self.runs] + [action_id(key) for key in self._steps()]

    def of_files(self) -> dict[str, list[str]]:
        """The formal parameters of which a file of the archive is an example."""
        found: dict[str, list[str]] = {}
        for run in self.runs:
            for label, place in self._score_files(run):
                found.setdefault(place, []).append(output_id(run.method, label))
        return {place: list(dict.fromkeys(parameters)) for place, parameters in found.items()}

    def _steps(self) -> dict[str, StepEvidence]:
        every = (step for run in self.runs for step in run.steps.values())
        return {step.key: step for step in every if step.record is not None}

    def _run(self, run: RunEvidence) -> Iterator[Entity]:
        steps = [step for step in run.steps.values() if step.record is not None]
        asked = list(_asked(run))
        scores = list(_score_values(run))
        yield from (*asked, *scores)
        yield entity(
            run_id(run),
            "CreateAction",
            name=f"run {run.id}",
            description=f"{run.row} with losses {run.losses.value}, seed {run.seed}",
            instrument=ref(self.workflows[run.method]),
            object=refs(one["@id"] for one in asked),
            result=refs(
                [*(place for _, place in self._score_files(run)), *(one["@id"] for one in scores)]
            ),
            subjectOf=ref(place_in_runs(self.layout, self.layout.run(run.id))),
            **_outcome(run),
            **_period(steps),
        )
        yield from (_control(run, step) for step in steps)
        yield entity(
            f"{run_id(run)}/engine",
            "OrganizeAction",
            name=f"harness runs {run.id}",
            agent=ref(ENGINE),
            instrument=ref(ENGINE),
            object=refs(_control_id(run, step) for step in steps),
            result=ref(run_id(run)),
            **_period(steps),
        )

    def _score_files(self, run: RunEvidence) -> Iterator[tuple[str, str]]:
        for label, scores in run.scores.items():
            for name, path in shown_outputs(run.steps[scores.step]):
                if name == "scores":
                    yield label, place_in_runs(self.layout, path)

    def _step(self, step: StepEvidence) -> Iterator[Entity]:
        record = step.record or {}
        parts = {
            "object": list(_inputs(record)),
            "result": list(_outputs(record)),
            "environment": list(_variables(record)),
            "containerImage": list(_image(record)),
            "resourceUsage": list(_use(record)),
        }
        for entities in parts.values():
            yield from entities
        yield from _software(record)
        ids = {name: [one["@id"] for one in entities] for name, entities in parts.items()}
        ids["result"] += self._places(path for _, path in shown_outputs(step))
        ids["subjectOf"] = self._places([self.layout.entry(step.key).record, *shown_log(step)])
        yield entity(
            action_id(step.key),
            "CreateAction",
            name=f"{record['identity']['method']} {step.name}",
            description=shlex.join(record["identity"]["key_inputs"]["argv"]),
            agent=ref(ENGINE),
            instrument=ref(tool_id(step)),
            actionStatus=_DONE,  # the store has finished steps only
            **{name: refs(found) for name, found in ids.items()},
            **_period([step]),
        )

    def _places(self, files: Iterable[Path]) -> list[str]:
        return [place_in_runs(self.layout, path) for path in files]


def run_id(run: RunEvidence) -> str:
    """The execution of a run."""
    return f"#run/{run.id}"


def action_id(key: str) -> str:
    """The execution of a step."""
    return f"#action/{key}"


def _control_id(run: RunEvidence, step: StepEvidence) -> str:
    return f"{run_id(run)}/{step.name}"


def _control(run: RunEvidence, step: StepEvidence) -> Entity:
    return entity(
        _control_id(run, step),
        "ControlAction",
        name=f"{step.name} of {run.id}",
        agent=ref(ENGINE),
        instrument=ref(step_id(run.method, step.name)),
        object=ref(action_id(step.key)),
        actionStatus=_DONE,
    )


def _asked(run: RunEvidence) -> Iterator[Entity]:
    asked = {name: run.record["run"][name] for name in ASKED}
    asked |= {f"option/{name}": choice for name, choice in run.options.items()}
    for name, choice in asked.items():
        identity = f"#value/{short_hash(run.method, name, choice)}"
        yield property_value(identity, name, choice, exampleOfWork=ref(input_id(run.method, name)))


def _score_values(run: RunEvidence) -> Iterator[Entity]:
    for label, scores in run.scores.items():
        for metric in ("J", "F", "JF"):
            yield property_value(
                f"{run_id(run)}/score/{label}/{metric}",
                f"{label} {metric} in percent",
                getattr(scores, metric),
                exampleOfWork=ref(score_id(run.method, label, metric)),
            )


def _outcome(run: RunEvidence) -> dict[str, Any]:
    if run.done:
        return {"agent": ref(ENGINE), "actionStatus": _DONE}
    errors = [f"{step.name}: {step.error}" for step in run.steps.values() if step.error]
    return {
        "agent": ref(ENGINE),
        "actionStatus": _FAILED,
        "error": "\n".join([run.status, *errors]),
    }


def _period(steps: Iterable[StepEvidence]) -> dict[str, str]:
    times = [step.record["time"] for step in steps if step.record is not None]
    return {
        "startTime": min(time["start"] for time in times),
        "endTime": max(time["end"] for time in times),
    }


def _output_id(key: str, name: str) -> str:
    return f"{action_id(key)}/output/{name}"


def _outputs(record: Mapping[str, Any]) -> Iterator[Entity]:
    """The outputs by their hashes; most are not in the archive."""
    for name, output in record["outputs"].items():
        yield property_value(
            _output_id(record["identity"]["key"], name),
            name,
            f"sha256:{output['sha256']}",
            description=f"{output['files']} files, {output['bytes']} bytes",
        )


def _inputs(record: Mapping[str, Any]) -> Iterator[Entity]:
    key = record["identity"]["key"]
    for name, one in record["identity"]["key_inputs"]["inputs"].items():
        kind = next(kind for kind in ("step", "asset", "repo") if kind in one)
        content = f"sha256:{one[kind]}" if kind == "asset" else one[kind]
        yield property_value(
            f"{action_id(key)}/input/{name}",
            name,
            content if isinstance(content, str) else content["commit"],
            description=f"{_KINDS[kind]}; its {one['path'] or 'whole'} at {one['target']}",
        )


_KINDS = {
    "step": "output of the step with this key",
    "asset": "data or weights of this hash",
    "repo": "files of the repository at this commit",
}


def _variables(record: Mapping[str, Any]) -> Iterator[Entity]:
    for name, content in record["command"]["env"].items():
        yield property_value(f"#variable/{short_hash(name, content)}", name, content)


def _use(record: Mapping[str, Any]) -> Iterator[Entity]:
    """Wall time, and the peaks of memory where somebody looked."""
    for name, amount, unit in _amounts(record):
        yield property_value(
            f"{action_id(record['identity']['key'])}/use/{name}",
            name.replace("_", " "),
            amount,
            propertyID=name,
            unitCode=unit,
        )


def _amounts(record: Mapping[str, Any]) -> Iterator[tuple[str, float, str]]:
    """Name, amount and unit of each."""
    use = record.get("use", {})
    yield "seconds", record["time"]["seconds"], _SECOND
    if use.get("peak_memory_gb") is not None:
        yield "peak_memory_gb", use["peak_memory_gb"], _GIBIBYTE
    for uuid, amount in use.get("peak_gpu_memory_gb", {}).items():
        yield f"peak_gpu_memory_gb/{uuid}", amount, _GIBIBYTE


def _image(record: Mapping[str, Any]) -> Iterator[Entity]:
    environment = record["environment"]
    if "image" not in environment:
        return
    digest = environment["image"].removeprefix("sha256:")
    yield entity(
        f"#image/{digest[:16]}",
        "ContainerImage",
        additionalType=ref(_IMAGE),
        name=f"harness/{record['identity']['method']}",
        tag=f"{record['identity']['stack']}-{environment['id'][:16]}",
        registry="localhost",  # it is built where it runs
        sha256=digest,
        description=f"built on {environment['base']} {environment['base_digest']}",
    )


def _software(record: Mapping[str, Any]) -> Iterator[Entity]:
    """The environment of a step, and the packages in it."""
    environment = record["environment"]
    packages = [_package(line) for line in environment.get("pip_freeze", ())]
    yield from packages
    about = {name: environment.get(name) for name in ("torch", "cuda", "cudnn")}
    versions = ", ".join(f"{name} {version}" for name, version in about.items() if version)
    yield entity(
        environment_id(record),
        "SoftwareApplication",
        name=f"Python {environment['python']}" + (f" with {versions}" if versions else ""),
        softwareVersion=environment["python"],
        operatingSystem=f"{environment['platform']}, {environment['libc']}",
        softwareRequirements=refs(one["@id"] for one in packages),
    )


def _package(line: str) -> Entity:
    """A line of `pip freeze`."""
    name, pinned, version = line.partition("==")
    if not pinned:
        return entity(f"#package/{short_hash(line)}", "SoftwareApplication", name=line)
    url = _PACKAGE.format(name, version.partition("+")[0])
    identity = url if "+" not in version else f"#package/{name}-{version}"
    return entity(identity, "SoftwareApplication", name=name, softwareVersion=version, url=url)
