"""What a tool must be able to do to be measured, and how its commands are called."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .workload import Workload


@dataclass(frozen=True)
class Call:
    """A command line with its environment."""

    argv: tuple[str, ...]
    environ: Mapping[str, str]

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """Start it in a folder, with a session of its own; all that it leaves is there.

        Peers leave folders among the temporary files: so these are there, too.
        """
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environ = {**self.environ, "TMPDIR": str(temporary)}
        with (folder / "printed").open("wb") as printed:
            return subprocess.Popen(
                self.argv, cwd=folder, env=environ, stdin=subprocess.DEVNULL,
                stdout=printed, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def seconds(self, folder: Path) -> float:
        """Wall-clock time of one call. Raises RuntimeError if it fails."""
        start = time.perf_counter()
        process = self.start(folder)
        code = process.wait()
        taken = time.perf_counter() - start
        if code != 0:
            text = (folder / "printed").read_text(errors="replace")
            raise RuntimeError(f"{' '.join(self.argv)}: exit code {code}\n{text[-2000:]}")
        return taken


class Tool(Protocol):
    """A workflow tool that runs the workload, two steps at a time where it can."""

    name: str

    def help(self) -> Call:
        """Show the help."""
        ...

    def write(self, folder: Path, work: Workload) -> None:
        """Write the workload into an empty folder."""
        ...

    def run(self, folder: Path, work: Workload) -> Call:
        """Run what is not done."""
        ...

    def dry_run(self, folder: Path, work: Workload) -> Call | None:
        """Show what would be run; None if it has no such thing."""
        ...

    def resume(self, folder: Path, work: Workload) -> list[Call]:
        """The commands after a kill, in order."""
        ...

    def files(self, folder: Path) -> set[Path]:
        """Files that steps have written so far."""
        ...


def plain_environment() -> dict[str, str]:
    """This process's variables but those that would make one side slower or different.

    DOCKER_HOST stays: it names the engine that all are to use.
    """
    ours = ("HARNESS_", "PYTHON", "CUDA_", "DOCKER_", "SNAKEMAKE", "CWLTOOL")
    return {
        name: value
        for name, value in os.environ.items()
        if name == "DOCKER_HOST" or not name.startswith(ours)
    }
