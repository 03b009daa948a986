"""Which runs may be averaged: those that differ in their seed alone, by what a run's name says."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.evidence.evidence import RunEvidence, Scores
from harness.manifest.model import Losses, Scale

METRICS = ("J", "F", "JF")


@dataclass(frozen=True, slots=True)
class Setting:
    """What runs must have in common, besides row and losses, to be compared at all."""

    scale: Scale
    stack: str
    runtime: str
    options: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """One line for people."""
        chosen = (f"{name}={choice}" for name, choice in self.options)
        return ", ".join((f"{self.scale.value} scale", self.stack, self.runtime, *chosen))


@dataclass(frozen=True, slots=True)
class Spread:
    """One number of each seed, in percent."""

    by_seed: Mapping[int, float]

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers in the order of the seeds."""
        return tuple(self.by_seed.values())

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float | None:
        """Their standard deviation with ddof 1; None for a single seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def text(self) -> str:
        """The mean, and the standard deviation if there is one, to a tenth."""
        return f"{self.mean:.1f}" + ("" if self.sd is None else f" ± {self.sd:.1f}")


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of one row and losses in one setting, by seed."""

    method: str
    backbone: str
    losses: Losses
    setting: Setting
    runs: tuple[RunEvidence, ...]

    @property
    def row(self) -> str:
        """The row of the paper's tables: METHOD/BACKBONE."""
        return f"{self.method}/{self.backbone}"

    @property
    def labels(self) -> tuple[str, ...]:
        """What was scored in any of the runs, in the order of the stages."""
        found = {label: scores for run in self.runs for label, scores in run.scores.items()}
        stages = {label: _stage(self.runs, label) for label in found}
        return tuple(sorted(found, key=lambda label: (stages[label], label)))

    def scores(self, label: str) -> Mapping[int, Scores]:
        """The scores of one label by seed; a run that lacks them is left out."""
        return {run.seed: run.scores[label] for run in self.runs if label in run.scores}

    def spread(self, label: str, metric: str) -> Spread:
        """J, F or JF of every seed. The label must be one of `labels`."""
        return Spread({s: getattr(one, metric) for s, one in self.scores(label).items()})

    def class_spread(self, label: str, name: str, metric: str) -> Spread | None:
        """J or F of one class of every seed that has one; None if none has."""
        found = {
            seed: one.per_class.get(name, {}).get(metric)
            for seed, one in self.scores(label).items()
        }
        there = {seed: value for seed, value in found.items() if value is not None}
        return Spread(there) if there else None

    def classes(self, label: str) -> tuple[str, ...]:
        """The classes that were scored, in their order: VOC's by name, others by number."""
        every = (name for one in self.scores(label).values() for name in one.per_class)
        return tuple(dict.fromkeys(every))


def setting_of(run: RunEvidence) -> Setting:
    """What a run must share with others to be compared with them."""
    return Setting(run.scale, run.stack, run.runtime, tuple(sorted(run.options.items())))


def groups_of(runs: Iterable[RunEvidence]) -> tuple[Group, ...]:
    """The runs by setting, row and losses, in their order; no two of a group share a seed."""
    found: dict[tuple[str, str, Losses, Setting], list[RunEvidence]] = {}
    for run in runs:
        found.setdefault((run.method, run.backbone, run.losses, setting_of(run)), []).append(run)
    return tuple(Group(*name, tuple(members)) for name, members in found.items())


def settings_of(groups: Iterable[Group]) -> Mapping[Setting, tuple[Group, ...]]:
    """Groups by setting; in each, by row and losses."""
    found: dict[Setting, list[Group]] = {}
    for group in groups:
        found.setdefault(group.setting, []).append(group)
    return {setting: tuple(members) for setting, members in found.items()}


def _stage(runs: Iterable[RunEvidence], label: str) -> int:
    steps = (run.steps[run.scores[label].step] for run in runs if label in run.scores)
    return next(step.stage or 0 for step in steps)
