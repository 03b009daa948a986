"""The workload for Snakemake."""

from __future__ import annotations

from pathlib import Path

from .tool import Call, plain_environment
from .workload import Workload


class Snakemake:
    """Snakemake with its local executor on two cores."""

    name = "snakemake"

    def __init__(self, tools: Path) -> None:
        self._program = str(tools / "snakemake")

    def help(self) -> Call:
        """Show the options."""
        return self._call("--help")

    def write(self, folder: Path, work: Workload) -> None:
        """Write the Snakefile: a rule for each step, a wildcard for the chain."""
        names = list(work.names())
        wanted = f'expand("out/{{chain}}/{names[-1]}", chain=range(1, {work.chains + 1}))'
        rules = [f"rule all:\n    input: {wanted}\n"]
        for before, name in zip([None, *names], names, strict=False):
            given = f'    input: "out/{{chain}}/{before}"\n' if before else ""
            shell = "cp {input} {output}" if before else "echo {wildcards.chain} > {output}"
            rules.append(
                f'rule {name}:\n{given}    output: "out/{{chain}}/{name}"\n    shell: "{shell}"\n'
            )
        (folder / "Snakefile").write_text("\n".join(rules))

    def run(self, folder: Path, work: Workload) -> Call:
        """Run what is not done."""
        del folder, work
        return self._call("--cores", "2", "--quiet", "all")

    def dry_run(self, folder: Path, work: Workload) -> Call:
        """Show what would be run."""
        del folder, work
        return self._call("--cores", "2", "--dry-run")

    def resume(self, folder: Path, work: Workload) -> list[Call]:
        """Remove the lock that the killed one left, then run the half-made files again."""
        del folder, work
        return [self._call("--unlock"), self._call("--cores", "2", "--rerun-incomplete")]

    def files(self, folder: Path) -> set[Path]:
        """Outputs there."""
        return set(folder.glob("out/*/*"))

    def _call(self, *words: str) -> Call:
        return Call((self._program, *words), plain_environment())
