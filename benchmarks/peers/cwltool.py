"""The workload for cwltool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .tool import Call, plain_environment
from .workload import Workload


class Cwltool:
    """cwltool with a cache folder, without which a second call would run everything again.

    One step at a time, as is its default: it takes no longer so for steps that take no time. With
    an image, each step runs in a container of it, and as many at a time as there are processors.
    """

    name = "cwltool"

    def __init__(self, tools: Path, image: str | None = None) -> None:
        self._program, self._image = str(tools / "cwltool"), image

    def help(self) -> Call:
        """Show the options."""
        return self._call("--help")

    def write(self, folder: Path, work: Workload) -> None:
        """Write a workflow of the chain, and one that scatters it."""
        names = list(work.names())
        steps: dict[str, Any] = {
            name: {
                "run": "copy.cwl" if before else "first.cwl",
                "in": {"given": f"{before}/made" if before else "chain"},
                "out": ["made"],
            }
            for before, name in zip([None, *names], names, strict=False)
        }
        chain = _workflow({"chain": "int"}, {"made": ("File", f"{names[-1]}/made")}, steps)
        scattered = {
            "run": "chain.cwl",
            "scatter": "chain",
            "in": {"chain": "chains"},
            "out": ["made"],
        }
        whole = _workflow({"chains": "int[]"}, {"made": ("File[]", "all/made")}, {"all": scattered})
        whole["requirements"] = {
            "ScatterFeatureRequirement": {},
            "SubworkflowFeatureRequirement": {},
        }
        written = {
            "workflow.cwl": whole,
            "chain.cwl": chain,
            "first.cwl": self._step("echo", "int"),
            "copy.cwl": self._step("cat", "File"),
            "job.json": {"chains": list(work.numbers)},
        }
        for name, content in written.items():
            (folder / name).write_text(json.dumps(content))

    def run(self, folder: Path, work: Workload) -> Call:
        """Run what is not in the cache folder."""
        del folder, work
        more = ("--disable-pull", "--parallel") if self._image else ()
        places = ("--cachedir", "cache", "--outdir", "out")
        return self._call("--quiet", *more, *places, "workflow.cwl", "job.json")

    def dry_run(self, folder: Path, work: Workload) -> None:
        """It has none."""

    def resume(self, folder: Path, work: Workload) -> list[Call]:
        """Go on after a kill: the same command."""
        return [self.run(folder, work)]

    def files(self, folder: Path) -> set[Path]:
        """Files in the cache folder."""
        return set(folder.glob("cache/*/made"))

    def _step(self, command: str, given: str) -> dict[str, Any]:
        program = {
            "cwlVersion": "v1.2",
            "class": "CommandLineTool",
            "baseCommand": command,
            "inputs": {"given": {"type": given, "inputBinding": {"position": 1}}},
            "stdout": "made",
            "outputs": {"made": "stdout"},
        }
        image = {"requirements": {"DockerRequirement": {"dockerPull": self._image}}}
        return {**program, **image} if self._image else program

    def _call(self, *words: str) -> Call:
        return Call((self._program, *words), plain_environment())


def _workflow(
    inputs: dict[str, str], outputs: dict[str, tuple[str, str]], steps: dict[str, Any]
) -> dict[str, Any]:
    made = {name: {"type": kind, "outputSource": of} for name, (kind, of) in outputs.items()}
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "inputs": inputs,
        "outputs": made,
        "steps": steps,
    }
