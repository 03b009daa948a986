"""A short rehearsal of a chain on a GPU, by the real command."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue, load_method, method_names
from harness.manifest.model import Method
from harness.plan.compatibility import Gpu, working_stacks

SOURCE = ProjectLayout(Path(__file__).resolve().parents[2])


def chains() -> tuple[tuple[str, str], ...]:
    """Every chain of the paper: its method and backbone."""
    names = [name for name in method_names(SOURCE) if name != "demo"]
    return tuple((name, one) for name in names for one in load(SOURCE, name).backbones)


def load(project: ProjectLayout, method: str) -> Method:
    """A method of a project."""
    return load_method(project, method, load_catalogue(project))


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """One chain with both losses on one card: two pictures, one iteration of each training."""

    project: ProjectLayout
    method: str
    backbone: str
    gpu: Gpu
    runs: Path
    runtime: str
    environ: Mapping[str, str]
    until: str | None = None

    @property
    def trainings(self) -> tuple[str, ...]:
        """The names of the chain's trainings."""
        steps = load(self.project, self.method).steps
        own = (step for step in steps if self.backbone in (step.backbones or (self.backbone,)))
        return tuple(step.name for step in own if step.stochastic)

    @property
    def stack(self) -> str | None:
        """The method's first stack that drives the card."""
        stacks = load_catalogue(self.project).stacks
        names = working_stacks(stacks, load(self.project, self.method).stacks, [self.gpu])
        return next(iter(names), None)

    def rehearse(self) -> "subprocess.CompletedProcess[str]":
        """The real command."""
        return self._harness("rehearse", "--images", "2", "--iterations", "1")

    def obstacles(self) -> list[str]:
        """What `doctor` misses on this machine."""
        if self.stack is None:
            return [f"no stack of {self.method} drives {self.gpu.title}"]
        said = json.loads(self._harness("doctor", "--scale", "rehearsal").stdout)
        found = [f"{one['name']}: {one['what']}" for one in said.get("missing", ())]
        return found + ([f"{said['error']} ({said['hint']})"] if "error" in said else [])

    def record(self, step: str) -> tuple[dict[str, Any], str]:
        """A step's record and log."""
        for path in self.runs.glob("store/*/*/record.json"):
            record: dict[str, Any] = json.loads(path.read_text())
            if record["identity"]["step"] == step:
                return record, path.with_name("output.log").read_text(errors="replace")
        raise AssertionError(f"{step} was not published")

    def _harness(self, verb: str, *more: str) -> "subprocess.CompletedProcess[str]":
        words = [verb, self.method, "--backbone", self.backbone, "--losses", "isl+fsl", *more]
        words += ["--gpus", self.gpu.uuid, "--stack", str(self.stack), "--runtime", self.runtime]
        words += ["--project", str(self.project.root), "--runs", str(self.runs), "--json"]
        words += ["--until", self.until] if self.until else []
        return subprocess.run(
            [sys.executable, "-m", "harness", *words],
            env=dict(self.environ),
            cwd=SOURCE.root,
            capture_output=True,
            text=True,
            check=False,
        )


def runtime() -> str:
    """HARNESS_GPU_RUNTIME, else docker."""
    return os.environ.get("HARNESS_GPU_RUNTIME", "docker")
