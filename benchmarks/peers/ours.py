"""The workload as a project of harness: a method of nine steps, a seed for each chain."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .tool import Call, plain_environment
from .workload import Workload

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "pyyaml"
_STACK = {"title": "host", "python": "3.11", "torch": "2", "cuda": None, "base": "debian"}
#: A Python where images have theirs, with nothing of the locked package but its name.
_PINNED = f"{_PACKAGE}-{version(_PACKAGE)}.dist-info"
_DOCKERFILE = f"""ARG BASE_IMAGE=debian
FROM ${{BASE_IMAGE}}
RUN python3 -m venv --without-pip /opt/venv && cd /opt/venv/lib/python3*/site-packages && \\
    mkdir {_PINNED} && cd {_PINNED} && \\
    printf 'Name: {_PACKAGE}\\nVersion: {version(_PACKAGE)}\\n' > METADATA
"""


class Harness:
    """harness as it is in this checkout, with the process runtime and two steps at a time."""

    name = "harness"

    def __init__(self, cache: Path, runtime: str = "process", more: tuple[str, ...] = ()) -> None:
        self.cache, self._runtime, self._more = cache, runtime, more

    def help(self) -> Call:
        """Show the commands."""
        return self._call("--help")

    def write(self, folder: Path, work: Workload, **step: Any) -> None:
        """Write the project, with these fields in every step."""
        steps = [_step(name, number, step) for number, name in enumerate(work.names(), start=1)]
        method = {
            "method": "trivial",
            "title": "Trivial",
            "backbones": ["tiny"],
            "stacks": ["host"],
            "seeds": list(work.numbers),
            "repositories": {},
            "steps": steps,
        }
        _write(folder / "manifests/methods/trivial.yaml", method)
        _write(folder / "manifests/repos.yaml", {"repositories": {}})
        _write(folder / "manifests/embedded/repos.yaml", {"repositories": {}})
        _write(folder / "manifests/assets.yaml", {"assets": {}})
        _write(folder / "manifests/stacks.yaml", {"stacks": {"host": _STACK}})
        (folder / "harness.lock").write_text(f"bases:\n  debian: sha256:{'0' * 64}\n")
        recipe = folder / "dockerfiles/trivial"
        recipe.mkdir(parents=True)
        (recipe / "Dockerfile").write_text(_DOCKERFILE)
        pinned = f"{_PACKAGE}=={version(_PACKAGE)} \\\n    --hash=sha256:{'0' * 64}\n"
        (recipe / "host.lock").write_text(pinned)

    def run(self, folder: Path, work: Workload, *more: str) -> Call:
        """Run what is not done."""
        return self._on(folder, work, "reproduce", "--no-report", *self._more, *more)

    def dry_run(self, folder: Path, work: Workload) -> Call:
        """Show what would be run."""
        return self._on(folder, work, "plan")

    def resume(self, folder: Path, work: Workload) -> list[Call]:
        """Go on after a kill: the same command."""
        return [self.run(folder, work)]

    def files(self, folder: Path) -> set[Path]:
        """Files that steps have written so far, finished or not."""
        published = set(folder.glob("runs/store/*/*/record.json"))
        return published | set(folder.glob("runs/attempts/*/out/file"))

    def _on(self, folder: Path, work: Workload, verb: str, *more: str) -> Call:
        place = ("--project", str(folder), "--runs", str(folder / "runs"))
        asked = ("trivial", "--losses", "none", "--seeds", str(work.chains))
        return self._call(verb, *asked, "--runtime", self._runtime, *more, *place)

    def _call(self, *words: str) -> Call:
        environ = {**plain_environment(), "PYTHONPATH": str(ROOT), "HARNESS_CACHE": str(self.cache)}
        return Call((sys.executable, "-m", "harness", *words), environ)


def _step(name: str, number: int, more: dict[str, Any]) -> dict[str, Any]:
    first = number == 1
    script = 'echo "$1" > "$2"/file' if first else 'cp "$1"/file "$2"/file'
    return {
        "name": name,
        "stage": number,
        "about": name,
        "argv": ["sh", "-c", script, "sh", "{seed}" if first else "{in.before}", "{out}"],
        "stochastic": first,
        "inputs": {} if first else {"before": f"steps.step{number - 1}.all"},
        "outputs": {"all": {"path": ".", "contract": {"kind": "folder", "globs": ["file"]}}},
        "threads": {"paper": 1, "smoke": 1},
        "resources": {"paper": {"cpus": 1, "memory_gb": 1}},
        **more,
    }


def _write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))  # which is YAML, too
