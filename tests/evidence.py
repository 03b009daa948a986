"""Finished runs made up for tests: the files that `reproduce` would have written."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.contracts.content import describe
from harness.files import write_sealed
from harness.layout import RunLayout
from harness.metrics.j_and_f import VOC

ROOT = Path(__file__).resolve().parents[1]
STEPS = {"train-cam": 2, "score-cam": 3, "score-pseudo": 6, "train-final": 7, "score-final": 9}


@dataclass(frozen=True)
class Finished:
    """A finished run; scores in percent, those of earlier stages a little lower."""

    method: str
    backbone: str
    losses: str
    seed: int
    J: float
    F: float
    scale: str = "paper"
    stack: str = "cu117"
    runtime: str = "docker"
    options: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # label -> J, F
    curve: Mapping[str, Sequence[float]] = field(default_factory=dict)  # of its CAMs
    record: Mapping[str, Any] = field(default_factory=dict)  # on top of every step record

    @property
    def id(self) -> str:
        """As harness names runs."""
        words = (self.method, self.backbone, self.losses, f"s{self.seed}", self.scale, self.stack)
        return "-".join((*words, self.runtime, _hash(sorted(self.options.items()))[:6]))


def finish_all(runs: Path, finished: Iterable[Finished]) -> RunLayout:
    """A `runs` folder with these runs."""
    layout = RunLayout(runs)
    for one in finished:
        finish(layout, one)
    return layout


def harness(layout: RunLayout, *words: str) -> Result:
    """A command on that folder; what harness refuses is raised."""
    where = ("--project", str(ROOT), "--runs", str(layout.root))
    return CliRunner().invoke(app, [*words, *where], catch_exceptions=False)


def finish(layout: RunLayout, run: Finished) -> None:
    """Write the run's record, its step records and score files."""
    labels = {
        "cam": (run.J - 10, run.F - 10),
        "pseudo": (run.J - 2, run.F - 2),
        "final": (run.J, run.F),
        **run.more,
    }
    stages = STEPS | {f"score-{label}": 9 for label in run.more}
    steps = {name: _finish(layout, run, name, stage, labels) for name, stage in stages.items()}
    asked = {
        name: getattr(run, name)
        for name in ("method", "backbone", "losses", "seed", "scale", "stack", "runtime")
    }
    record = {
        "schema": 3,
        "harness": "0.1.0",
        "id": run.id,
        "run": {**asked, "options": dict(run.options)},
        "status": "done",
        "steps": steps,
        "scores": {label: _scores(*both) for label, both in labels.items()},
        "scored_by": {label: f"score-{label}" for label in labels},
    }
    write_sealed(layout.run(run.id), record)


def _finish(
    layout: RunLayout,
    run: Finished,
    name: str,
    stage: int,
    labels: Mapping[str, tuple[float, float]],
) -> dict[str, Any]:
    key = _hash([run.id, name])
    entry = layout.entry(key)
    entry.out.mkdir(parents=True, exist_ok=True)
    entry.log.write_text(f"{name} of {run.id}\n")
    outputs: dict[str, Any] = {}
    declared: dict[str, Any] = {}
    if name.startswith("score-"):
        path = entry.out / "scores.json"
        scores = _scores(*labels[name.removeprefix("score-")])
        found: dict[str, Any] = {"scores": scores, "per_class": _classes(scores)}
        found |= {"images": 40, "extra": {}}
        if name == "score-cam" and run.curve:
            found["curve"] = run.curve
        path.write_text(json.dumps(found))
        outputs["scores"] = describe(path)
        declared["scores"] = {"path": "scores.json", "contract": {"kind": "json"}}
    record = {
        "schema": 3,
        "identity": {
            "step": name,
            "stage": stage,
            "method": run.method,
            "stack": run.stack,
            "scale": run.scale,
            "key": key,
            "key_inputs": {"outputs": declared},
            "parents": [],
        },
        "time": {"start": "2026-01-01T00:00:00+00:00", "end": "2026-01-01T01:00:00+00:00",
                 "seconds": 3600.0},
        "outputs": outputs,
        "status": "done",
        **run.record,
    }  # fmt: skip
    write_sealed(entry.record, record)
    return {"key": key, "status": "done", "error": None}


def _classes(scores: Mapping[str, float]) -> dict[str, dict[str, float | None]]:
    """As scoring names VOC's classes; the background has no contour."""
    return {
        name: {"J": scores["J"], "F": None if name == "background" else scores["F"]} for name in VOC
    }


def _scores(region: float, contour: float) -> dict[str, float]:
    return {"J": region, "F": contour, "JF": (region + contour) / 2}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
