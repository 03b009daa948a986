"""The names that a shell can complete, read fast: from manifests as they stand and saved plans.

Nothing is checked here. What cannot be read has no names.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.layout import ProjectLayout, RunLayout

_RUNS = re.compile(r'"runs":\s*(?=\[)')  # stands before the steps, which are most of a plan


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodNames:
    """What a method's manifest, with the shared steps that it uses, gives names to."""

    title: str
    backbones: tuple[str, ...]
    stacks: tuple[str, ...]
    options: Mapping[str, Mapping[str, str]]  # choices of an option, and what they mean
    steps: tuple[str, ...]
    scores: tuple[str, ...]
    anchors: tuple[str, ...]


def method_files(project: ProjectLayout) -> dict[str, Path]:
    """The manifests of methods by name."""
    return {path.stem: path for path in sorted(project.methods.glob("*.yaml"))}


def read_method(project: ProjectLayout, name: str) -> MethodNames:
    """The names in one method's manifest."""
    own = _mapping(project.method(name))
    used = [_mapping(project.shared_steps(use["shared_steps"])) for use in own.get("uses") or ()]
    steps = [step for file in (own, *used) for step in file.get("steps") or ()]
    options = [file.get("options") or {} for file in (own, *used)]
    scores = (step.get("score") for step in steps)
    return MethodNames(
        title=own.get("title", ""),
        backbones=tuple(own.get("backbones") or ()),
        stacks=tuple(own.get("stacks") or ()),
        options={key: _choices(value) for some in options for key, value in some.items()},
        steps=tuple(step["name"] for step in steps),
        scores=tuple(dict.fromkeys(score for score in scores if score and "{" not in score)),
        anchors=tuple(own.get("anchors") or ()),
    )


def asset_names(project: ProjectLayout) -> dict[str, str]:
    """The assets, with their titles."""
    assets = _mapping(project.assets).get("assets") or {}
    return {name: one.get("title", "") for name, one in assets.items()}


def saved_runs(layout: RunLayout) -> dict[str, list[str]]:
    """The runs of saved plans, the newest first, with the names of their steps."""
    files = sorted(layout.plans.glob("*.json"), key=lambda path: -path.stat().st_mtime)
    found: dict[str, list[str]] = {}
    for path in files:
        for run in _runs_in(path.read_text(encoding="utf-8")):
            found.setdefault(run["id"], list(run["steps"]))
    return found


def _runs_in(text: str) -> Iterator[Mapping[str, Any]]:
    """The runs of a plan; its steps are not parsed."""
    start = _RUNS.search(text)
    if start is not None:
        runs: Iterable[Mapping[str, Any]] = json.JSONDecoder().raw_decode(text, start.end())[0]
        yield from runs


def _choices(option: Mapping[str, Any]) -> dict[str, str]:
    choices: Mapping[str, Mapping[str, str]] = option.get("choices") or {}
    return {str(name): (about or {}).get("about", "") for name, about in choices.items()}


def _mapping(path: Path) -> Mapping[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with path.open(encoding="utf-8") as file:
        found: Mapping[str, Any] = yaml.load(file, loader) or {}  # noqa: S506 - it is a safe one
    return found
