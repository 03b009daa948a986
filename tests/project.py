"""A small project on disk whose steps are one-line Python programs, driven by the real command."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.outputs import valid

_STACK = {"title": "host", "python": "3.11", "torch": "2", "cuda": None, "base": "debian"}
#: A Python where images have theirs, with nothing of the locked package but its name.
_DOCKERFILE = f"""ARG BASE_IMAGE=debian
FROM ${{BASE_IMAGE}}
RUN python3 -m venv --without-pip /opt/venv && cd /opt/venv/lib/python3*/site-packages && \\
    mkdir pyyaml-{yaml.__version__}.dist-info && \\
    printf 'Name: pyyaml\\nVersion: {yaml.__version__}\\n' > pyyaml-{yaml.__version__}.dist-info/METADATA
"""
SCORES = '{"scores": {"J": 50, "F": 40, "JF": 45}}'


def step(name: str, code: str, **fields: Any) -> dict[str, Any]:
    """A step that runs `code` with argv[1] = /out (inputs follow by name)."""
    inputs = fields.get("inputs", {})
    return {
        "name": name,
        "stage": 2,
        "about": name,
        "argv": ["python", "-c", code, "{out}", *(f"{{in.{key}}}" for key in inputs)],
        "outputs": {"file": {"path": "file", "contract": {"kind": "file", "min_bytes": 2}}},
        "threads": {"paper": 1, "smoke": 1},
        "resources": {"paper": {"cpus": 1, "memory_gb": 1}},
    } | fields


def writes(text: str) -> str:
    """Code that writes /out/file."""
    return f"import sys; open(sys.argv[1] + '/file', 'w').write({text!r})"


FIRST = step("first", writes("first"))
#: Begins a file, then waits until it finds `go` in its output folder.
PATIENT = step(
    "middle",
    "import sys, os, time\n"
    "open(sys.argv[1] + '/half', 'w').write('half')\n"
    "while not os.path.exists(sys.argv[1] + '/go'): time.sleep(0.05)\n" + writes("middle"),
)
LAST = step(
    "last",
    f"import sys; open(sys.argv[1] + '/scores.json', 'w').write({SCORES!r})",
    stage=9,
    score="final",
    inputs={"file": "steps.middle.file"},
    outputs={"scores": {"path": "scores.json", "contract": {"kind": "json", "keys": ["scores"]}}},
)


class Project:
    """A project in `root`, and the `harness` command on it."""

    def __init__(self, root: Path, middle: Mapping[str, Any]) -> None:
        self.root, self.runs = root / "project", root / "runs"
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HARNESS_")},
            "HARNESS_CACHE": str(root / "cache"),
        }
        self.write(middle)

    def write(self, middle: Mapping[str, Any]) -> None:
        """Write the manifests, with this step between the first and the last."""
        self.write_steps(FIRST, {"inputs": {"file": "steps.first.file"}, **middle}, LAST)

    def write_steps(self, *steps: Mapping[str, Any]) -> None:
        """Write the manifests, with these steps."""
        method = {
            "method": "toy",
            "title": "Toy",
            "backbones": ["tiny"],
            "stacks": ["host"],
            "seeds": [1, 2, 3, 4, 5],
            "repositories": {},
            "steps": [dict(step) for step in steps],
        }
        self._yaml("methods/toy.yaml", method)
        self._yaml("repos.yaml", {"repositories": {}})
        self._yaml("embedded/repos.yaml", {"repositories": {}})
        self._yaml("assets.yaml", {"assets": {}})
        self._yaml("stacks.yaml", {"stacks": {"host": _STACK}})
        lock = self.root / "dockerfiles" / "toy" / "host.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        (self.root / "harness.lock").write_text(f"bases:\n  debian: sha256:{'0' * 64}\n")
        lock.with_name("Dockerfile").write_text(_DOCKERFILE)
        lock.write_text(f"pyyaml=={yaml.__version__} \\\n    --hash=sha256:{'0' * 64}\n")

    def _yaml(self, name: str, value: Any) -> None:
        path = self.root / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(value, sort_keys=False))

    def argv(self, *words: str) -> list[str]:
        """The command line."""
        place = ["--project", str(self.root), "--runs", str(self.runs)]
        return [sys.executable, "-m", "harness", words[0], *words[1:], *place]

    def start(self, *more: str) -> "subprocess.Popen[str]":
        """`harness reproduce toy` in the background."""
        words = ("reproduce", "toy", "--losses", "none", "--seeds", "1", "--runtime", "process")
        return subprocess.Popen(
            self.argv(*words, "--no-report", "--json", *more),
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def reproduce(self, *more: str) -> tuple[int, dict[str, Any], str]:
        """`harness reproduce toy`: exit code, the JSON, stderr."""
        return finish(self.start(*more))

    def records(self, of: str = "middle") -> list[dict[str, Any]]:
        """The records of a step's settled attempts, the published one last."""
        paths = [
            *self.runs.glob("attempts/*/record.json"),
            *self.runs.glob("store/*/*/record.json"),
        ]
        found = [json.loads(path.read_text()) for path in paths]
        mine = [record for record in found if record["identity"]["step"] == of]
        return sorted(mine, key=lambda record: record["attempt"]["number"])

    def started(self, process: "subprocess.Popen[str]", name: str = "half") -> Path:
        """Wait until the running step has made `name` in its output folder."""
        end = time.monotonic() + 900
        while time.monotonic() < end:
            found = [p for p in self.runs.glob(f"attempts/*/out/{name}") if p.stat().st_size]
            if found:
                return found[0]
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        raise AssertionError("the step never started")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Any command."""
        return subprocess.run(
            self.argv(*words), env=self.environ, capture_output=True, text=True, check=False
        )

    def published(self) -> list[str]:
        """Names of the steps in the store."""
        records = self.runs.glob("store/*/*/record.json")
        return sorted(json.loads(path.read_text())["identity"]["step"] for path in records)


def finish(process: "subprocess.Popen[str]") -> tuple[int, dict[str, Any], str]:
    """Wait for a started command."""
    out, err = process.communicate(timeout=900)
    return process.returncode, valid(out) if out else {}, err


def wait_for(path: Path, limit: float = 900.0) -> None:
    """Wait until a step has made `path`."""
    end = time.monotonic() + limit
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.02)


def interrupt(process: "subprocess.Popen[str]") -> None:
    """What Ctrl-C sends."""
    process.send_signal(signal.SIGINT)
