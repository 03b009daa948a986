"""A method as a computational workflow: its parameters, its steps and the tools that they run."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from harness.archive.jsonld import ENGINE, Entity, entity, ref, refs, short_hash
from harness.evidence.evidence import RunEvidence, StepEvidence

_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
LANGUAGE = "#manifest-language"
#: What a run is asked for, besides its options.
ASKED: Mapping[str, str] = {
    "backbone": "Text",
    "losses": "Text",
    "seed": "Integer",
    "scale": "Text",
    "stack": "Text",
    "runtime": "Text",
}


def input_id(method: str, name: str) -> str:
    """The formal parameter of a value that a run is asked for."""
    return f"#{method}/input/{name}"


def output_id(method: str, label: str) -> str:
    """The formal parameter of the score file of one label."""
    return f"#{method}/output/{label}"


def score_id(method: str, label: str, metric: str) -> str:
    """The formal parameter of one score in percent."""
    return f"#{method}/output/{label}/{metric}"


def step_id(method: str, step: str) -> str:
    """A step of the workflow."""
    return f"#{method}/step/{step}"


def tool_id(step: StepEvidence) -> str:
    """What a step runs: equal for equal programs, commands and environments."""
    record = step.record or {}
    command = record["identity"]["key_inputs"]
    inputs = [command["source"], command["packages"], command["environment"]]
    return f"#tool/{step.name}-{short_hash(record['identity']['method'], inputs)}"


def environment_id(record: Mapping[str, Any]) -> str:
    """The software that a step ran in."""
    return f"#environment/{record['environment']['id'][:16]}"


def source_id(name: str, source: Mapping[str, Any]) -> str:
    """An upstream repository with its patches."""
    return f"#source/{short_hash(name, source)}"


def workflow_properties(
    method: str, title: str, runs: Sequence[RunEvidence], recipes: Sequence[str]
) -> dict[str, Any]:
    """What the manifest's file is besides a file: the workflow of the method."""
    inputs = [input_id(method, name) for name in _asked(runs)]
    outputs = [one["@id"] for one in _outputs(method, runs)]
    return {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": title,
        "programmingLanguage": ref(LANGUAGE),
        "conformsTo": ref(_WORKFLOW),
        "version": runs[0].record["harness"],
        "input": refs(inputs),
        "output": refs(outputs),
        "step": refs(step_id(method, step.name) for step in _recorded(runs)),
        "hasPart": refs(tool_id(step) for step in _recorded(runs)),
        "buildInstructions": refs(recipes),
    }


def workflow_entities(method: str, runs: Sequence[RunEvidence]) -> Iterator[Entity]:
    """The parameters, steps and tools of a method, as its runs had them."""
    for name, kind in _asked(runs).items():
        yield _parameter(input_id(method, name), name, kind)
    yield from _outputs(method, runs)
    yield from _steps(method, runs)
    yield from {tool_id(step): _tool(step) for step in _recorded(runs)}.values()


def language() -> Entity:
    """What manifests are written in."""
    return entity(
        LANGUAGE,
        "ComputerLanguage",
        name="method manifest of harness (YAML)",
        alternateName="harness",
    )


def sources(
    steps: Sequence[StepEvidence], urls: Mapping[str, str], files: Mapping[str, str]
) -> Any:
    """The repositories that the steps ran, each with its patches.

    `urls` are those of repositories, `files` the hashes of the archive's files: a patch there is
    referred to only if it is the one that ran.
    """
    found: dict[str, Entity] = {}
    for step in steps:
        for name, source in (step.record or {})["sources"].items():
            found |= {one["@id"]: one for one in _source(name, source, urls, files)}
    return found.values()


def _source(
    name: str, source: Mapping[str, Any], urls: Mapping[str, str], files: Mapping[str, str]
) -> Iterator[Entity]:
    repository = name.partition("+")[0]
    parts = []
    for patch, digest in source["patches"]:
        place = f"patches/{repository}/{patch}.patch"
        if files.get(place) == digest:
            parts.append(place)
            continue
        parts.append(f"#patch/{digest[:16]}")
        yield entity(parts[-1], "CreativeWork", name=place, sha256=digest)
    yield entity(
        source_id(name, source),
        "SoftwareSourceCode",
        name=name,
        codeRepository=source.get("url") or urls.get(repository),
        license=source.get("licence"),
        version=source["commit"],
        identifier=f"tree {source['tree']}",
        hasPart=refs(parts),
    )


def _asked(runs: Sequence[RunEvidence]) -> dict[str, str]:
    options = dict.fromkeys(name for run in runs for name in run.options)
    return {**ASKED, **{f"option/{name}": "Text" for name in sorted(options)}}


def _outputs(method: str, runs: Sequence[RunEvidence]) -> list[Entity]:
    found = []
    for label in dict.fromkeys(label for run in runs for label in run.scores):
        found.append(_parameter(output_id(method, label), f"scores {label}", "File"))
        found += [
            _parameter(score_id(method, label, metric), f"{label} {metric}", "Number")
            for metric in ("J", "F", "JF")
        ]
    return found


def _parameter(identity: str, name: str, kind: str) -> Entity:
    return entity(
        identity, "FormalParameter", name=name, additionalType=kind, conformsTo=ref(_PARAMETER)
    )


def _recorded(runs: Sequence[RunEvidence]) -> list[StepEvidence]:
    """The steps that ran, in order; those of the same name side by side."""
    steps = [step for run in runs for step in run.steps.values() if step.record is not None]
    order = {step.name: at for at, step in reversed(list(enumerate(steps)))}
    return sorted(steps, key=lambda step: (step.stage or 0, order[step.name]))


def _steps(method: str, runs: Sequence[RunEvidence]) -> Iterator[Entity]:
    tools: dict[str, list[str]] = {}
    stages: dict[str, int | None] = {}
    for step in _recorded(runs):
        tools.setdefault(step.name, []).append(tool_id(step))
        stages[step.name] = step.stage
    for at, (name, used) in enumerate(tools.items(), 1):
        yield entity(
            step_id(method, name),
            "HowToStep",
            name=name,
            description=f"stage {stages[name]} of the nine",
            position=str(at),
            workExample=refs(used),
        )


def _tool(step: StepEvidence) -> Entity:
    record = step.record or {}
    asked = record["identity"]["key_inputs"]
    sources = [source_id(name, one) for name, one in record["sources"].items()]
    commit = (asked["source"] or {}).get("commit")
    return entity(
        tool_id(step),
        "SoftwareApplication",
        name=f"{record['identity']['method']} {step.name}: {_program(asked['argv'])}",
        softwareVersion=commit or record["harness"],
        softwareRequirements=refs([environment_id(record), *([] if commit else [ENGINE])]),
        isBasedOn=refs(sources),
    )


def _program(argv: Sequence[str]) -> str:
    """The beginning of a command: the program, and the script or module that it runs."""
    kept = 3 if list(argv[1:2]) == ["-m"] else 2
    return shlex.join([PurePosixPath(argv[0]).name, *argv[1:kept]])
