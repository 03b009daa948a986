"""The verb `scores`: the scores of finished runs, from files alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.commands.context import Context
from harness.evidence.backgrounds import Background, background_of, fixed_by
from harness.evidence.evidence import RunEvidence
from harness.evidence.gather import chosen, gather
from harness.evidence.groups import Group, groups_of
from harness.manifest.load import method_names


@dataclass(frozen=True, slots=True)
class Found:
    """The scores under a `runs/`, and what stands in the way of more."""

    groups: tuple[Group, ...]
    backgrounds: tuple[Background | None, ...]  # of each group, where its options fix one
    unfinished: tuple[RunEvidence, ...]
    damage: tuple[str, ...]


def scores(context: Context, words: Sequence[str]) -> Found:
    """Scores of the runs of these methods, or whose names begin so; of all without words.

    Raises UsageError for a word that names no run.
    """
    evidence = chosen(gather(context.layout), words)
    unfinished = tuple(run for run in evidence.runs if not run.done)
    groups = groups_of(evidence.runs)
    return Found(groups, tuple(_backgrounds(context, groups)), unfinished, evidence.damage)


def _backgrounds(context: Context, groups: Sequence[Group]) -> Iterator[Background | None]:
    """What a fixed background score costs the CAMs of each group, by the manifests at hand."""
    here = {group.method for group in groups} & {*method_names(context.project)}
    fixed = {name: fixed_by(context.method(name).options) for name in here}
    return (background_of(group.runs, fixed.get(group.method, {})) for group in groups)


def final_scores(context: Context) -> dict[str, tuple[float, float]]:
    """J and F of every run that has its final score, by the run's name."""
    found = gather(context.layout).runs
    finals = {run.id: run.scores["final"] for run in found if "final" in run.scores}
    return {name: (one.J, one.F) for name, one in finals.items()}
