"""From finished runs to the values of each cell: only like runs are pooled, none is lost."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.evidence.evidence import Evidence, RunEvidence
from harness.plan import keys
from harness.verdict.results import Sample

#: The score that tables show. Of ResNet-101 rows it is by default the one after the CRF: S.3 lists
#: the CRF as stage 8 of a chain, users of deeplab-pytorch report their J after it, and without it J
#: is some two points lower. F is another matter (`Row.unsettled`).
LABEL = "final"
_CODE = ("commit", "sparse", "patches", "tree")  # of a source: what a step ran
_SHOWN = 19  # characters of an id: "sha256:" and twelve digits
_MOST_NAMED = 3  # differences, or steps


@dataclass(frozen=True, slots=True)
class Setting:
    """What must be equal before two runs are pooled: what was asked for, and what each step was.

    `made` holds environment, source and packages by step. A run that stopped early knows it of
    its first steps only, so settings agree if they agree in what both know.
    """

    asked: Mapping[str, str]
    made: Mapping[str, str]

    def differences(self, other: "Setting") -> Iterator[str]:
        """What keeps two runs apart, one line each."""
        for name in sorted(self.asked.keys() | other.asked.keys()):
            mine, theirs = (one.asked.get(name, "not set") for one in (self, other))
            if mine != theirs:
                yield f"{name}: {theirs} here, {mine} in the runs that are judged"
        for name in sorted(self.made.keys() & other.made.keys()):
            mine, theirs = (one.made[name] for one in (self, other))
            if mine != theirs:
                yield (
                    f"{name}: {theirs[:_SHOWN]} here, {mine[:_SHOWN]} in the runs that are judged"
                )

    def agrees(self, other: "Setting") -> bool:
        """Whether nothing keeps two runs apart."""
        return not any(self.differences(other))


@dataclass(slots=True)
class _Group:
    setting: Setting
    runs: list[RunEvidence] = field(default_factory=list)

    def add(self, run: RunEvidence, setting: Setting) -> None:
        """Take a run in, and remember what it knows that no other knew: its loss's package."""
        self.runs.append(run)
        self.setting = Setting(self.setting.asked, {**self.setting.made, **setting.made})

    @property
    def scored(self) -> int:
        return sum(LABEL in run.scores for run in self.runs)


@dataclass(frozen=True, slots=True)
class RowSamples:
    """The runs of one row that are judged, by losses and metric, and those that are not."""

    cells: Mapping[tuple[str, str], Sample]
    setting: Mapping[str, str]
    apart: Mapping[str, str]

    def of(self, losses: str, metric: str) -> Sample:
        """The values of one cell; empty where no run is."""
        return self.cells.get((losses, metric), Sample())


def row_samples(evidence: Evidence, method: str, backbone: str) -> RowSamples:
    """Sort one row's runs: one environment, option set, scale, source and patch set is judged.

    It is the one with the most scored runs; among equals the first by stack, runtime and options,
    never by score. Runs at another scale than the paper's are never judged.
    """
    runs = [run for run in evidence.runs if (run.method, run.backbone) == (method, backbone)]
    reasons = {run.id: _why_apart(run) for run in runs}
    apart = {name: why for name, why in reasons.items() if why is not None}
    groups = _groups(run for run in runs if run.id not in apart)
    if not groups:
        return RowSamples({}, {}, apart)
    judged = max(groups, key=lambda group: group.scored)
    for group in groups:
        if group is not judged:
            why = _shorten(list(judged.setting.differences(group.setting)))
            apart |= {run.id: why for run in group.runs}
    cells, twice = _cells(judged.runs)
    return RowSamples(cells, judged.setting.asked, apart | twice)


def outside(evidence: Evidence, rows: Iterable[str]) -> dict[str, str]:
    """Runs of methods and backbones that the paper's tables do not have, with the reason."""
    known = set(rows)
    why = "{} is in no table of the paper: there is nothing to judge it by"
    return {run.id: why.format(run.row) for run in evidence.runs if run.row not in known}


def _why_apart(run: RunEvidence) -> str | None:
    """Why a run can be judged by no means, whatever else there is."""
    if not run.scale.judged:
        return (
            f"scale {run.scale} proves wiring, never accuracy: it is not judged against the paper"
        )
    anchor = run.record["run"].get("anchor")
    if anchor:
        return f"anchor {anchor}: it starts from the authors' own file"
    gone = [step.name for step in run.steps.values() if step.record is None]
    if run.done and gone:
        return f"nothing tells what it ran: no record of {_shorten(gone)}"
    return None


def _shorten(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_NAMED
    return "; ".join([*texts[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _groups(runs: Iterable[RunEvidence]) -> list[_Group]:
    """Runs by setting. Whole runs come first: what stopped early joins those it agrees with."""
    groups: list[_Group] = []
    for run in sorted(runs, key=lambda run: (not run.done, run.stack, run.runtime, run.id)):
        setting = _setting(run)
        group = next((one for one in groups if one.setting.agrees(setting)), None)
        if group is None:
            group = _Group(setting)
            groups.append(group)
        group.add(run, setting)
    return groups


def _setting(run: RunEvidence) -> Setting:
    asked = {"stack": run.stack, **{f"option {k}": v for k, v in run.options.items()}}
    made: dict[str, str] = {}
    for step in run.steps.values():
        if step.record is not None:
            made |= _made(step.name, step.record)
    return Setting(asked, made)


def _made(step: str, record: Mapping[str, Any]) -> dict[str, str]:
    """Environment, sources and packages of one step. `losses` is absent where none is injected."""
    found = {f"environment of {step}": record.get("environment", {}).get("id")}
    for name, source in record.get("sources", {}).items():
        code = {field_: source.get(field_) for field_ in _CODE}
        found[f"source {name} of {step}"] = keys.digest(code)
    packages = record["identity"]["key_inputs"].get("packages", {})
    found |= {f"package {name} of {step}": digest for name, digest in packages.items()}
    return {name: str(value) for name, value in found.items() if value is not None}


def _cells(runs: Iterable[RunEvidence]) -> tuple[dict[tuple[str, str], Sample], dict[str, str]]:
    """Values by losses and metric; and the runs that repeat a seed, which counts once."""
    first: dict[tuple[str, int], RunEvidence] = {}
    twice: dict[str, str] = {}
    for run in runs:
        kept = first.setdefault((run.losses.value, run.seed), run)
        if kept is not run:
            twice[run.id] = f"seed {run.seed} again, as in {kept.id}: it counts once"
    cells: dict[tuple[str, str], Sample] = {}
    for losses in dict.fromkeys(losses for losses, _ in first):
        seeds = {seed: run for (other, seed), run in sorted(first.items()) if other == losses}
        for metric in ("J", "F", "JF"):
            cells[losses, metric] = _sample(seeds, metric)
    return cells, twice


def _sample(runs: Mapping[int, RunEvidence], metric: str) -> Sample:
    values, unscored = {}, {}
    for seed, run in runs.items():
        score = getattr(run.scores.get(LABEL), metric, None)
        if score is None:
            unscored[seed] = f"the run is {run.status} and has no final score"
        elif not math.isfinite(score):
            unscored[seed] = f"its {metric} is {score}"
        else:
            values[seed] = float(score)
    return Sample(values, unscored)
