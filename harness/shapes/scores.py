"""How scores of finished runs are shown."""

from collections.abc import Iterable
from typing import Any

from harness.commands.scores import Found
from harness.evidence.backgrounds import Background
from harness.evidence.groups import METRICS, Group, Spread


def seed_rows(groups: Iterable[Group]) -> list[tuple[str, ...]]:
    """J, F, J&F of every seed, stage by stage, each followed by mean and spread."""
    rows: list[tuple[str, ...]] = []
    for group, label in by_stage(groups):
        name = (group.method, group.backbone, group.losses.value, label)
        spreads = [group.spread(label, metric) for metric in METRICS]
        rows += [
            (*name, str(seed), *(f"{one.by_seed[seed]:.2f}" for one in spreads))
            for seed in spreads[0].by_seed
        ]
        rows.append((*name, f"mean of {len(spreads[0].by_seed)}", *(one.text for one in spreads)))
    return rows


def class_rows(groups: Iterable[Group]) -> list[tuple[str, ...]]:
    """J and F of every class, mean and spread over the seeds; the background has no F."""
    rows = []
    for group, label in by_stage(groups):
        asked = (group.method, group.backbone, group.losses.value, label)
        for name in group.classes(label):
            both = [group.class_spread(label, name, metric) for metric in ("J", "F")]
            rows.append((*asked, name, *(one.text if one else "-" for one in both)))
    return rows


def by_stage(groups: Iterable[Group]) -> list[tuple[Group, str]]:
    """Every group with each of its labels; within a row the losses of one stage are together."""
    rows: dict[str, list[Group]] = {}
    for group in groups:
        rows.setdefault(group.row, []).append(group)
    return [
        (group, label)
        for members in rows.values()
        for label in dict.fromkeys(label for group in members for label in group.labels)
        for group in members
        if label in group.labels
    ]


def final_document(scores: tuple[float, float] | None) -> dict[str, float] | None:
    """The final J and F of a run as `status --json` prints them."""
    return None if scores is None else {"J": scores[0], "F": scores[1]}


def scores_document(found: Found, *, classes: bool) -> dict[str, Any]:
    """`scores --json`."""
    return {
        "ddof": 1,
        "groups": [
            {**_group_document(group, classes=classes), "cam_background": _background(background)}
            for group, background in zip(found.groups, found.backgrounds, strict=True)
        ],
        "unfinished": [{"name": run.id, "status": run.status} for run in found.unfinished],
        "damage": list(found.damage),
    }


def background_lines(found: Found) -> list[str]:
    """J of CAMs at a fixed background score and at the best, a line for each group that has one."""
    return [
        f"{group.row} {group.losses.value}: {one.option} {one.choice}: J of CAMs {one.text}"
        for group, one in zip(found.groups, found.backgrounds, strict=True)
        if one is not None
    ]


def _background(one: Background | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "option": one.option,
        "choice": one.choice,
        "threshold": one.threshold,
        "J": _spread(one.J),
        "best_J": _spread(one.best),
        "best_threshold": {str(seed): at for seed, at in one.best_thresholds.items()},
    }


def _group_document(group: Group, *, classes: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": f"{group.method}/{group.backbone} {group.losses.value}",
        "method": group.method,
        "backbone": group.backbone,
        "losses": group.losses.value,
        "scale": group.setting.scale.value,
        "stack": group.setting.stack,
        "runtime": group.setting.runtime,
        "options": dict(group.setting.options),
        "runs": {str(run.seed): run.id for run in group.runs},
        "scores": {
            label: {metric: _spread(group.spread(label, metric)) for metric in METRICS}
            for label in group.labels
        },
    }
    if classes:
        document["per_class"] = {label: _classes(group, label) for label in group.labels}
    return document


def _classes(group: Group, label: str) -> dict[str, Any]:
    return {
        name: {
            metric: _spread(one) if one else None
            for metric in ("J", "F")
            for one in (group.class_spread(label, name, metric),)
        }
        for name in group.classes(label)
    }


def _spread(spread: Spread) -> dict[str, Any]:
    by_seed = {str(seed): value for seed, value in spread.by_seed.items()}
    return {"mean": spread.mean, "sd": spread.sd, "n": len(by_seed), "by_seed": by_seed}
