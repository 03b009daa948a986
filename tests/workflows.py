"""The workflows of the project's CI, read as GitHub reads them."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
FILES = tuple(sorted((ROOT / ".github" / "workflows").glob("*.yml")))


@cache
def workflow(name: str) -> Mapping[Any, Any]:
    """A workflow by its file's name. YAML 1.1 reads its key `on` as true."""
    found: Mapping[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    return found


def steps(name: str) -> Iterator[Mapping[str, Any]]:
    for job in workflow(name)["jobs"].values():
        yield from job["steps"]


def step(name: str, title: str) -> Mapping[str, Any]:
    return next(one for one in steps(name) if one.get("name") == title)


def inputs(name: str) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = workflow(name)[True]["workflow_dispatch"]["inputs"]
    return found
