"""Where every step comes from: commit, patches, command, inputs and key."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from harness.evidence.evidence import Evidence
from harness.report.beside import Beside
from harness.report.blocks import Block, Cell, Fold, Grid, Section, Text, Tone, cell, number
from harness.report.rows import rows_of
from harness.report.steps import SharedStep, steps_of
from harness.report.units import duration, instant

_SHOWN = 12  # digits of a key or commit


def provenance(evidence: Evidence, beside: Beside) -> Section:
    """A table of each row's steps, to be unfolded."""
    text = (
        "Equal keys are equal inputs: code, patches, command, environment, seed and data. A step "
        "that several runs share ran once."
    )
    blocks: list[Block] = [Text(text=text)]
    for row in rows_of(evidence.runs):
        steps = steps_of(row.runs)
        grid = Grid(
            caption=f"Steps of {row.title}",
            columns=(
                "stage", "step", "runs", "repository", "patches", "seed", "started", "took", "key",
                "command",
            ),
            rows=tuple(_row(one, beside) for one in steps),
        )  # fmt: skip
        blocks.append(Fold(summary=f"{row.title}: {len(steps)} distinct steps", blocks=(grid,)))
    return Section(id="provenance", title="Provenance", blocks=blocks)


def _row(shared: SharedStep, beside: Beside) -> tuple[Cell, ...]:
    step, record = shared.step, shared.step.record
    key = cell(step.key[:_SHOWN], title=step.key, code=True)
    if record is None:
        about = cell(step.error or f"{step.status}: no record", tone=Tone.MUTED)
        nothing = number(None)
        return (nothing, cell(step.name), cell(shared.served), about, *[nothing] * 4, key, nothing)
    seed = record.get("seed")
    sources = list(_sources(record.get("sources", {}), beside))
    return (
        number(step.stage, digits=0),
        cell(step.name, strong=True),
        cell(shared.served),
        sources[0] if sources else cell("harness", tone=Tone.MUTED),
        cell(_patches(record.get("sources", {}))),
        number(seed, digits=0),
        number(shared.span[0] if shared.span else None, instant(record["time"]["start"])),
        number(shared.seconds, duration(shared.seconds or 0)),
        key,
        cell(shlex.join(record.get("command", {}).get("argv", ())), code=True),
    )


def _sources(sources: Mapping[str, Any], beside: Beside) -> Iterator[Cell]:
    for name, source in sources.items():
        repository = name.partition("+")[0]
        commit = str(source["commit"])
        yield cell(
            f"{repository}@{commit[:_SHOWN]}",
            href=commit_link(beside.repositories.get(repository, ""), commit),
            title=commit,
        )


def commit_link(address: str, commit: str) -> str | None:
    """The page of a commit of a repository on GitHub; None for another address.

    >>> commit_link("https://github.com/YudeWang/SEAM.git", "3212261b")
    'https://github.com/YudeWang/SEAM/commit/3212261b'
    """
    if not address.startswith("https://github.com/"):
        return None
    return f"{address.removesuffix('.git').rstrip('/')}/commit/{commit}"


def _patches(sources: Mapping[str, Any]) -> str:
    patches = [patch for source in sources.values() for patch in source.get("patches", ())]
    return ", ".join(f"{name} ({digest[:_SHOWN]})" for name, digest in patches) or "none"
