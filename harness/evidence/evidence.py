"""Finished runs as values: what was asked for, what each step did, and the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.manifest.model import Losses, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scores of one label (`cam`, `pseudo`, `final`, …) of one run, in percent."""

    step: str
    J: float
    F: float
    JF: float
    per_class: Mapping[str, Mapping[str, float | None]]  # class by name or number -> {"J", "F"}
    images: int
    extra: Mapping[str, Any]  # thresholds of CAMs, F per image
    #: Of CAMs: "threshold" (0 to 1), "J" and "F", a value for each threshold; else empty.
    curve: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvidence:
    """One step of a run. What somebody removed is None."""

    name: str
    key: str
    status: str  # as the run's record has it: done, cached, failed, blocked, interrupted
    error: str | None
    record: Mapping[str, Any] | None  # the step record: when and where it really ran
    log: Path | None
    out: Path | None

    @property
    def stage(self) -> int | None:
        """The stage of Sec. S.3, 1 to 9."""
        return self.record["identity"]["stage"] if self.record else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """One run."""

    id: str
    method: str
    backbone: str
    losses: Losses
    seed: int
    scale: Scale
    stack: str
    runtime: str
    options: Mapping[str, str]
    status: str
    steps: Mapping[str, StepEvidence]
    scores: Mapping[str, Scores]  # by label, in the order of the stages
    record: Mapping[str, Any]  # the run record
    test_score: float | None = None  # what VOC's evaluation server answered, in percent

    @property
    def row(self) -> str:
        """The row of the paper's tables: METHOD/BACKBONE."""
        return f"{self.method}/{self.backbone}"

    @property
    def done(self) -> bool:
        """Whether every step finished."""
        return self.status == "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that one `runs/`, or an archive of some of its runs, can show."""

    root: Path
    runs: tuple[RunEvidence, ...]
    damage: tuple[str, ...] = field(default=())  # what was left out, and why

    def of(self, method: str, backbone: str, losses: str) -> tuple[RunEvidence, ...]:
        """The runs of one row and loss, by seed."""
        return tuple(
            run
            for run in self.runs
            if (run.method, run.backbone, run.losses.value) == (method, backbone, losses)
        )
