"""Runs made up from the paper's own numbers: five seeds with the mean and spread of each cell."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.evidence.evidence import Evidence, RunEvidence, Scores, StepEvidence
from harness.layout import ProjectLayout
from harness.manifest.load import load_published
from harness.manifest.model import Losses, Scale
from harness.manifest.paper import Number, Published, Row

ROOT = Path(__file__).resolve().parents[1]
LOSSES = ("none", "isl", "fsl", "isl+fsl")
# Five values with mean 0 and sample standard deviation 1: ±1, ±½ and 0 over √(2.5 / 4).
PATTERN = tuple(value / 0.625**0.5 for value in (-1.0, -0.5, 0.0, 0.5, 1.0))

Shift = Callable[[str, str], float]  # row, losses -> points


@cache
def published() -> Published:
    """The paper's numbers."""
    return load_published(ProjectLayout(ROOT))


def number(name: str) -> Number:
    """One of them by its id."""
    return next(one for one in published().numbers if one.id == name)


def fed_back(shift: Shift = lambda _row, _losses: 0.0) -> Evidence:
    """Table 6 as ours, and the J of both losses in Table 7 with the spread of fsl."""
    runs = (
        run_of(row, losses, seed, _values(row, losses, seed, shift(row.name, losses)))
        for row in published().rows
        for losses in LOSSES
        for seed in range(1, 6)
    )
    return evidence(runs)


def evidence(runs: Iterable[RunEvidence]) -> Evidence:
    """Runs as gathered."""
    return Evidence(root=Path("/runs"), runs=tuple(runs))


def without(found: Evidence, row: str, losses: str, seed: int) -> Evidence:
    """The same, one run less."""
    lost = (row, losses, seed)
    runs = [run for run in found.runs if (run.row, run.losses.value, run.seed) != lost]
    return replace(found, runs=tuple(runs))


def run_of(
    row: Row, losses: str, seed: int, scores: Mapping[str, float], **more: Any
) -> RunEvidence:
    """A finished run with these final scores."""
    final = {"step": "score-final", "per_class": {}, "images": 1449, "extra": {}, **scores}
    fields = {
        "id": f"{row.method}-{row.backbone}-{losses}-s{seed}-paper-cu117-docker-0",
        "method": row.method,
        "backbone": row.backbone,
        "losses": Losses(losses),
        "seed": seed,
        "scale": Scale.PAPER,
        "stack": "cu117",
        "runtime": "docker",
        "options": {},
        "status": "done",
        "steps": {"train": step_of()},
        "scores": {"final": Scores(**final)} if scores else {},
        "record": {"run": {}},
    }
    return RunEvidence(**{**fields, **more})


def step_of(environment: str = "e", commit: str = "c", **packages: str) -> StepEvidence:
    """A finished step in an environment, from a commit."""
    record = {
        "identity": {"stage": 2, "key_inputs": {"packages": packages}},
        "environment": {"id": environment},
        "sources": {"repository": {"commit": commit, "patches": [], "tree": "t", "sparse": []}},
    }
    return StepEvidence(
        name="train", key="k", status="done", error=None, record=record, log=None, out=None
    )


def _values(row: Row, losses: str, seed: int, shift: float) -> dict[str, float]:
    found = dict(_cells(row, losses))
    spread = dict(_cells(row, "fsl")) | {m: n for m, n in found.items() if n.spread is not None}
    means = {m: (found.get(m) or spread[m]).value or 0.0 for m in ("J", "F")}
    scores = {
        m: mean + (spread[m].spread or 0.0) * PATTERN[seed - 1] + shift for m, mean in means.items()
    }
    return {**scores, "JF": (scores["J"] + scores["F"]) / 2}


def _cells(row: Row, losses: str) -> Iterator[tuple[str, Number]]:
    """The paper's means on val by metric; Table 6, where both tables have one."""
    for one in published().numbers[::-1]:
        mine = (one.method, one.backbone, one.losses) == (row.method, row.backbone, losses)
        if mine and one.split == "val" and one.kind == "mean-of-runs" and one.value is not None:
            yield one.metric, one
