"""What the steps that are to do take in all: GPU-hours, calendar time, disk, the smallest card."""

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from harness.measured.figures import ESTIMATE, Figures, with_figures
from harness.plan.compatibility import REPORTED
from harness.plan.plan import BoundStep, Plan

#: GB with which cards are sold.
_SOLD = (8, 11, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 141, 180, 288)
_FLEETS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The smallest card on which all steps fit."""

    sold_gb: int | None  # None: none that is sold
    needed_gb: float
    step: str  # that decides it
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Totals of the steps that are to do."""

    steps: int
    gpu_steps: int  # how many of them need a GPU
    hours_measured: int  # how many of those have measured hours
    disk_measured: int  # how many of all have measured disk
    gpu_hours: float
    cards: int  # the GPUs at hand
    calendar_hours: Mapping[int, float]  # by number of GPUs; empty if no step needs one
    disk_gb: float
    peak_disk_gb: float
    peak_disk_kept_gb: float
    card: Card | None  # None if no step needs one
    damage: tuple[str, ...] = field(default=())  # measurements that cannot be read


def outlook_of(
    plan: Plan,
    todo: Collection[str],
    figures: Mapping[str, Figures],
    damage: Sequence[str] = (),
    cards: int = 0,
) -> Outlook:
    """The outlook on the steps `todo` of a plan, by the figures of all its steps.

    Calendar time is for the usual numbers of GPUs, and for the `cards` at hand.
    """
    shown = with_figures(plan, figures)
    steps = [step for key, step in shown.steps.items() if key in todo]
    widest = max((step.resources.gpus for step in steps), default=0)
    fleets = [count for count in sorted({*_FLEETS, cards}) if count >= widest > 0]
    known = [figures[step.key] for step in steps]
    on_gpus = [figures[step.key] for step in steps if step.resources.gpus]
    return Outlook(
        steps=len(steps),
        gpu_steps=len(on_gpus),
        hours_measured=sum(one.hours_from != ESTIMATE for one in on_gpus),
        gpu_hours=sum(step.resources.gpus * step.resources.hours for step in steps),
        cards=cards,
        calendar_hours={count: calendar_hours(steps, count) for count in fleets},
        disk_gb=sum(step.resources.disk_gb for step in steps),
        peak_disk_gb=shown.peak_disk_gb(),
        peak_disk_kept_gb=shown.peak_disk_gb(keep=True),
        disk_measured=sum(one.disk_from != ESTIMATE for one in known),
        card=smallest_card(steps, figures),
        damage=tuple(damage),
    )


def calendar_hours(steps: Sequence[BoundStep], cards: int) -> float:
    """Hours until the steps are done on that many GPUs, if CPUs and memory suffice for all.

    A step starts, in the plan's order, once its parents are done and its GPUs are free. No step may
    need more GPUs than there are.
    """
    numbers = {step.key: number for number, step in enumerate(steps)}
    missing = [sum(parent in numbers for parent in step.parents) for step in steps]
    children: list[list[int]] = [[] for _ in steps]
    for number, step in enumerate(steps):
        for parent in step.parents:
            if parent in numbers:
                children[numbers[parent]].append(number)
    ready = [number for number, count in enumerate(missing) if not count]
    running: list[tuple[float, int]] = []  # (when it ends, which)
    now, free = 0.0, cards
    while ready or running:
        waiting = []
        for number in sorted(ready):
            need = steps[number].resources
            if need.gpus > free:
                waiting.append(number)
                continue
            free -= need.gpus
            heapq.heappush(running, (now + need.hours, number))
        now, ended = heapq.heappop(running)
        free += steps[ended].resources.gpus
        for child in children[ended]:
            missing[child] -= 1
        ready = waiting + [child for child in children[ended] if not missing[child]]
    return now


def smallest_card(steps: Sequence[BoundStep], figures: Mapping[str, Figures]) -> Card | None:
    """The smallest card on which the steps fit, by the step that needs most."""
    needs = [
        (gb / (REPORTED if one.gpu_memory_from != ESTIMATE else 1.0), step)
        for step in steps
        if step.resources.gpus
        for one in (figures[step.key],)
        if (gb := one.gpu_memory_gb) is not None
    ]
    if not needs:
        return None
    gb, step = max(needs, key=lambda need: need[0])  # as cards are sold: they report less
    return Card(
        sold_gb=next((size for size in _SOLD if size >= gb), None),
        needed_gb=figures[step.key].gpu_memory_gb or 0.0,
        step=f"{step.name} of {step.method}",
        source=figures[step.key].gpu_memory_from,
    )
