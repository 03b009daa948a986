"""The distinct steps behind runs: runs share many, and each is counted once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.evidence.evidence import RunEvidence, StepEvidence


@dataclass(frozen=True, slots=True)
class SharedStep:
    """A step and the runs that it serves."""

    step: StepEvidence
    runs: tuple[RunEvidence, ...]

    @property
    def span(self) -> tuple[float, float] | None:
        """When it ran, in seconds since the epoch; None without a record."""
        if self.step.record is None:
            return None
        time = self.step.record["time"]
        return _seconds(time["start"]), _seconds(time["end"])

    @property
    def seconds(self) -> float | None:
        """How long it ran; of one that was split, the sum of its shards."""
        return self.step.record["time"]["seconds"] if self.step.record else None

    @property
    def served(self) -> str:
        """The runs in a few words: their losses and seeds."""
        losses = ", ".join(dict.fromkeys(run.losses.value for run in self.runs))
        seeds = ", ".join(str(seed) for seed in sorted({run.seed for run in self.runs}))
        return f"{losses}; seed {seeds}"


def steps_of(runs: Sequence[RunEvidence]) -> tuple[SharedStep, ...]:
    """Every distinct step of the runs, in their order."""
    users: dict[str, list[RunEvidence]] = {}
    steps: dict[str, StepEvidence] = {}
    for run in runs:
        for step in run.steps.values():
            steps.setdefault(step.key, step)
            users.setdefault(step.key, []).append(run)
    return tuple(SharedStep(step, tuple(users[key])) for key, step in steps.items())


def records_of(runs: Sequence[RunEvidence]) -> list[dict[str, Any]]:
    """The records of the distinct steps that have one."""
    return [dict(one.step.record) for one in steps_of(runs) if one.step.record]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
