"""One training of a chain on a GPU at smoke scale: the manifest's own step, without the CPU shim."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue, load_method, method_names
from harness.manifest.model import Method
from harness.plan.compatibility import Gpu, working_stacks

SOURCE = ProjectLayout(Path(__file__).resolve().parents[2])
_SECONDS = 0.02  # between two looks at the memory


def methods() -> tuple[str, ...]:
    """Every chain of the paper."""
    return tuple(name for name in method_names(SOURCE) if name != "demo")


def load(project: ProjectLayout, method: str) -> Method:
    """A method of a project."""
    return load_method(project, method, load_catalogue(project))


def first_training(method: Method) -> str:
    """The name of the first step that the losses are injected into."""
    return next(step.name for step in method.steps if step.injects_losses)


def prepare(target: Path, method: str) -> ProjectLayout:
    """A copy of the project in which the method's first training runs on a GPU at smoke scale."""
    shutil.copytree(SOURCE.root / "manifests", target / "manifests")
    for name in ("dockerfiles", "patches", "harness.lock"):
        (target / name).symlink_to(SOURCE.root / name)
    project = ProjectLayout(target)
    name = first_training(load(SOURCE, method))
    document = yaml.safe_load(project.method(method).read_text(encoding="utf-8"))
    step = next(step for step in document["steps"] if step["name"] == name)
    step["env"] = {**step.get("env", {}), "HARNESS_CPU_SHIM": "0"}
    step["resources"]["smoke"] = {**step["resources"].get("smoke", {}), "gpus": 1}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    project.method(method).write_text(text, encoding="utf-8")
    return project


class Peak:
    """The most memory of a card that was in use at any look, beyond what was before."""

    def __init__(self, used_gb: Callable[[], float], seconds: float = _SECONDS) -> None:
        self._used, self._seconds = used_gb, seconds
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._before = self._most = 0.0

    def __enter__(self) -> Self:
        self._before = self._most = self._used()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def gb(self) -> float:
        return self._most - self._before

    def _watch(self) -> None:
        while not self._end.wait(self._seconds):
            self._most = max(self._most, self._used())


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of one chain, with both losses, on one card."""

    project: ProjectLayout
    method: str
    gpu: Gpu
    runs: Path
    runtime: str
    environ: Mapping[str, str]

    @property
    def step(self) -> str:
        return first_training(load(self.project, self.method))

    @property
    def stack(self) -> str | None:
        """The method's first stack that drives the card."""
        stacks = load_catalogue(self.project).stacks
        names = working_stacks(stacks, load(self.project, self.method).stacks, [self.gpu])
        return next(iter(names), None)

    def harness(self, verb: str) -> "subprocess.CompletedProcess[str]":
        """The real command, up to the training."""
        method = load(self.project, self.method)
        words = [verb, self.method, "--backbone", method.backbones[0], "--until", self.step]
        words += ["--scale", "smoke", "--losses", "isl+fsl", "--seed", str(method.seeds[0])]
        words += ["--gpus", self.gpu.uuid, "--stack", str(self.stack), "--runtime", self.runtime]
        words += ["--project", str(self.project.root), "--runs", str(self.runs), "--json"]
        return subprocess.run(
            [sys.executable, "-m", "harness", *words],
            env=dict(self.environ),
            cwd=SOURCE.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def obstacles(self) -> list[str]:
        """What `doctor` misses on this machine."""
        if self.stack is None:
            return [f"no stack of {self.method} drives {self.gpu.title}"]
        said = json.loads(self.harness("doctor").stdout)
        lines = [line for line in said.get("lines", ()) if line["state"] == "missing"]
        found = [f"{line['check']}: {line['found']}" for line in lines]
        return found + ([f"{said['error']} ({said['hint']})"] if "error" in said else [])

    def record(self) -> tuple[dict[str, Any], str]:
        """The step's record and log."""
        for path in self.runs.glob("store/*/*/record.json"):
            record: dict[str, Any] = json.loads(path.read_text())
            if record["identity"]["step"] == self.step:
                return record, path.with_name("output.log").read_text(errors="replace")
        raise AssertionError(f"{self.step} was not published")


def runtime() -> str:
    """HARNESS_GPU_RUNTIME, else docker."""
    return os.environ.get("HARNESS_GPU_RUNTIME", "docker")
