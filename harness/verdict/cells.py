"""Cells: each published number against our values, by the ladder of docs/statistics.md."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from harness.manifest.paper import Number, Published
from harness.verdict.contrast import (
    LEVEL,
    Contrast,
    best_of,
    contrast,
    holm,
    interval,
    is_beyond,
    moved,
    p_different,
    p_equivalent,
)
from harness.verdict.margin import Margin, margin
from harness.verdict.power import seeds_needed
from harness.verdict.results import FLOOR_NOTE, CellVerdict, Comparison, Sample, Status
from harness.verdict.spread import Summary, half_unit, sample_sd, summarise

Samples = Callable[[Number], Sample]


class Reading(StrEnum):
    """How a printed spread is read. The first one is judged by, the others show what hangs on it.

    The paper says neither what ± is nor by which formula; a spread of 0.1 stands for 0.05 to 0.15.
    """

    MANIFEST = "as the manifest declares it"
    DDOF_1 = "ddof 1"
    UPPER = "the upper end of the rounded spread"


@dataclass(frozen=True, slots=True)
class _Open:
    """A cell with all its seeds, before the verdict: Holm needs all of them first."""

    number: Number
    margin: Margin
    ours: Summary
    theirs: Summary
    found: Contrast
    half: float  # by which rounding may have moved D

    @property
    def is_single(self) -> bool:
        return self.number.kind == "single"


def judge_cells(published: Published, samples: Samples, seeds: int) -> tuple[CellVerdict, ...]:
    """Every published number with its verdict, in the order of the manifest."""
    cells = _judge(published, samples, seeds, Reading.MANIFEST)
    others = {
        reading: _judge(published, samples, seeds, reading)
        for reading in (Reading.DDOF_1, Reading.UPPER)
    }
    return tuple(
        replace(cell, sensitivity=_sensitivity(cell, {r: all_[i] for r, all_ in others.items()}))
        for i, cell in enumerate(cells)
    )


def reported_against_reproduced(published: Published) -> tuple[CellVerdict, ...]:
    """The paper's own reproduction (Table 6, `none`) against what the publications reported.

    Ours are here the printed mean and spread of five runs, which are rounded too.
    """
    wanted = [one for one in published.numbers if is_reported(one) and one.value is not None]
    opened = []
    for number in wanted:
        twin = baseline(published, number)
        if twin is not None and twin.value is not None:
            found = _open(published, number, summary_of(twin), Reading.MANIFEST)
            opened.append(replace(found, half=found.half + half_unit(twin.decimals)))
    cells = []
    for one, p_holm in zip(opened, _adjusted(opened), strict=True):
        twin = baseline(published, one.number)
        cell = _decide(one, p_holm, Sample())
        cells.append(_with_printed_k(cell, twin) if twin else cell)
    return tuple(cells)


def is_reported(number: Number) -> bool:
    """Whether a number is what a publication reported on val."""
    return number.column == "reported" and number.split == "val"


def baseline(published: Published, number: Number) -> Number | None:
    """The mean without losses of the same row, metric and split, with a spread if one is printed.

    None where the paper prints no such number.
    """
    twins = [
        one
        for one in published.numbers
        if (one.method, one.backbone, one.metric, one.split, one.losses, one.kind)
        == (number.method, number.backbone, number.metric, number.split, "none", "mean-of-runs")
        and one.value is not None
    ]
    return max(twins, key=lambda one: one.spread is not None, default=None)


def summary_of(number: Number, reading: Reading = Reading.MANIFEST) -> Summary:
    """A published number as a summary; a single one is the mean of one run.

    Raises ValueError for a number without value.
    """
    if number.value is None:
        raise ValueError(f"{number.id} has no value: its status is {number.status}")
    spread, ddof = number.spread, number.ddof
    if reading is Reading.DDOF_1:
        ddof = 1
    if reading is Reading.UPPER and spread is not None:
        spread += half_unit(number.decimals)
    runs = 1 if number.kind == "single" else number.runs or 1
    return Summary(number.value, sample_sd(spread, number.spread_kind, runs, ddof), runs)


def why_not_judged(published: Published, number: Number) -> str | None:
    """Why no run can confirm or refute a number; None if one can."""
    row = published.row(f"{number.method}/{number.backbone}")
    twin = baseline(published, number)
    reasons = {
        f"the source prints no number here ({number.status})": number.value is None,
        "the mean of J and F: shown, never judged by itself": number.metric == "JF",
        "one run, the best of five by val: shown, never judged": number.split == "test"
        or number.kind == "best-of-five-by-val",
        "the paper leaves open whether it is with or without the CRF; judged on neither until a "
        "run shows which": number.metric in row.unsettled,
        f"the mean of {twin.id if twin else None}, judged there": number.losses == "none"
        and number.kind == "mean-of-runs"
        and twin is not None
        and twin.id != number.id,
        "its baseline is not known, so there is no margin": number.losses != "none"
        and twin is None,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def margin_of(published: Published, number: Number) -> Margin:
    """δ of a cell: by its gain over the baseline of its row."""
    twin = baseline(published, number)
    if number.losses == "none" or twin is None or twin.value is None or number.value is None:
        return margin(None)
    return margin(number.value - twin.value)


def family(number: Number) -> tuple[object, ...]:
    """The table whose judged cells share one Holm correction; reported numbers are one apart."""
    return (number.table, number.column if number.table == 7 else None)  # noqa: PLR2004


def _judge(
    published: Published, samples: Samples, seeds: int, reading: Reading
) -> list[CellVerdict]:
    done: dict[str, CellVerdict] = {}
    opened: list[_Open] = []
    for number in published.numbers:
        sample = samples(number)
        early = _early(published, number, sample, seeds)
        if early is None:
            opened.append(_open(published, number, summarise(sample.values.values()), reading))
        else:
            done[number.id] = early
    for one, p_holm in zip(opened, _adjusted(opened), strict=True):
        done[one.number.id] = _decide(one, p_holm, samples(one.number))
    return [done[number.id] for number in published.numbers]


def _early(published: Published, number: Number, sample: Sample, seeds: int) -> CellVerdict | None:
    """The verdict of a cell that no test is needed for."""
    reason = why_not_judged(published, number)
    if reason is not None:
        return CellVerdict(number=number, status=Status.NOT_JUDGED, sample=sample, notes=(reason,))
    missing = _missing(sample, seeds)
    if not missing:
        return None
    return CellVerdict(
        number=number,
        status=Status.INCOMPLETE,
        sample=sample,
        margin=margin_of(published, number),
        notes=missing,
    )


def _missing(sample: Sample, seeds: int) -> tuple[str, ...]:
    """What a cell lacks: seeds that nobody ran, and those that ran and have no score."""
    notes = [f"seed {seed}: {why}" for seed, why in sample.unscored.items()]
    enough = max(seeds, 2)  # one seed has no spread, so nothing follows from it
    if len(sample.values) < enough:
        notes.insert(0, f"{len(sample.values)} of {enough} seeds have a score")
    return tuple(notes)


def _open(published: Published, number: Number, ours: Summary, reading: Reading) -> _Open:
    theirs = summary_of(number, reading)
    found = contrast(ours, theirs)
    assert found is not None, "two seeds at least have a spread"
    half = half_unit(number.decimals)
    return _Open(number, margin_of(published, number), ours, theirs, found, half)


def _adjusted(cells: Sequence[_Open]) -> list[float]:
    """P values of difference by Holm, within each table."""
    members: dict[tuple[object, ...], list[int]] = {}
    for index, cell in enumerate(cells):
        members.setdefault(family(cell.number), []).append(index)
    adjusted = [1.0] * len(cells)
    for indices in members.values():
        raw = [float(p_different(moved(cells[i].found, cells[i].half))) for i in indices]
        for index, p in zip(indices, holm(np.array(raw)), strict=True):
            adjusted[index] = float(p)
    return adjusted


def _decide(cell: _Open, p_holm: float, sample: Sample) -> CellVerdict:
    """REPRODUCED, NOT REPRODUCED or CONSISTENT, the first that applies."""
    closer = moved(cell.found, cell.half)
    narrowed = cell.margin.delta - cell.half
    p_same = None if cell.is_single else float(p_equivalent(cell.found, narrowed))
    differs = p_holm < LEVEL
    if p_same is not None and p_same < LEVEL:
        status = Status.REPRODUCED
    elif differs and bool(is_beyond(closer, cell.margin.delta)):
        status = Status.NOT_REPRODUCED
    else:
        status = Status.CONSISTENT
    low, high = interval(cell.found)
    verdict = CellVerdict(
        number=cell.number,
        status=status,
        sample=sample,
        margin=cell.margin,
        comparison=Comparison(
            mean=cell.ours.mean,
            sd=cell.ours.sd,
            n=cell.ours.n,
            difference=float(cell.found.difference),
            low=float(low),
            high=float(high),
            p_equivalent=p_same,
            p_different=float(p_different(closer)),
            p_holm=p_holm,
        ),
    )
    return _explain(verdict, cell, narrowed, differs=differs)


def _explain(verdict: CellVerdict, cell: _Open, narrowed: float, *, differs: bool) -> CellVerdict:
    """Add what a reader has to know with the verdict: n needed, marks, the single number's k."""
    notes = []
    if verdict.margin is not None and verdict.margin.is_floor:
        notes.append(FLOOR_NOTE)
    if verdict.status is Status.CONSISTENT and differs:
        notes.append("significantly different, not shown beyond δ")
    if cell.is_single:
        value = cell.theirs.mean
        k = best_of(value, cell.ours)
        notes += [*_position(value, verdict.sample), *_best_of_note(value, k)]
        return replace(verdict, best_of=k, notes=tuple(notes))
    needed = None
    if verdict.status is Status.CONSISTENT:
        needed = seeds_needed(cell.theirs, narrowed, cell.ours.sd)
        notes.append(needed_note(needed))
    return replace(verdict, seeds_needed=needed, notes=tuple(notes))


def needed_note(needed: int | None) -> str:
    """How many seeds of ours would settle a cell."""
    if needed is None:
        return "no number of seeds settles it: the published spread is the limit"
    return f"{needed} seeds would settle it in 4 of 5 cases, if there is no difference"


def _position(value: float, sample: Sample) -> list[str]:
    """Where a single number lies among our seeds."""
    below = sum(score < value for score in sample.values.values())
    total = len(sample.values)
    return [f"{below} of our {total} seeds are below it"] if total else []


def _best_of_note(value: float, k: float | None) -> list[str]:
    if k is None:
        return [f"not even the best of a million runs like these is likely to reach {value:g}"]
    number = f"{k:.0f}"
    most = [f"the best of {number} runs like these reaches {value:g} in half of all cases"]
    return most if number != "1" else []


def _with_printed_k(cell: CellVerdict, twin: Number) -> CellVerdict:
    """Give k by the spread as it is printed: with ddof 0 read into it, it is smaller."""
    assert cell.comparison is not None
    value = summary_of(cell.number).mean
    ours = Summary(cell.comparison.mean, twin.spread, cell.comparison.n)
    k = best_of(value, ours)
    notes = [f"{note}, by the spread as printed" for note in _best_of_note(value, k)]
    if notes and k is not None and cell.best_of is not None:
        notes = [f"{notes[0]} ({cell.best_of:.0f} if it has ddof 0)"]
    return replace(cell, best_of=k, notes=tuple(notes))


def _sensitivity(cell: CellVerdict, others: Mapping[Reading, CellVerdict]) -> dict[str, Status]:
    """The verdicts that another reading of the printed spreads would give, where they differ."""
    return {
        reading.value: other.status
        for reading, other in others.items()
        if other.status is not cell.status
    }


def judged(cells: Iterable[CellVerdict]) -> list[CellVerdict]:
    """The cells that bear on a row: neither shown only, nor reported by another publication."""
    return [
        cell
        for cell in cells
        if cell.status is not Status.NOT_JUDGED and not is_reported(cell.number)
    ]
