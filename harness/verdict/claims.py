"""Claims: gains of the losses, the averages of Sec. S.2, and the order of the methods."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.manifest.paper import Claim, Number, Published, Row
from harness.verdict.cells import summary_of
from harness.verdict.contrast import (
    LEVEL,
    Contrast,
    combined,
    interval,
    moved,
    p_greater,
)
from harness.verdict.results import ClaimVerdict, Held, Sample
from harness.verdict.spread import Summary, half_unit, summarise

Samples = Callable[[str, str, str], Sample]  # row, losses, metric -> our values

LOSSES = ("isl", "fsl", "isl+fsl")
METRICS = ("J", "F")
_BASELINE = "none"
_TEST_SET = "the test set is scored by the evaluation server, one run a method: shown, never tested"


@dataclass(frozen=True, slots=True)
class Cells:
    """The numbers that gains are made of: the paper's means on val, and our samples."""

    published: Published
    samples: Samples
    seeds: int  # planned per cell

    def number(self, row: str, losses: str, metric: str) -> Number | None:
        """The paper's mean of runs on val, with a spread where one is printed."""
        found = [
            one
            for one in self.published.numbers
            if (f"{one.method}/{one.backbone}", one.losses, one.metric) == (row, losses, metric)
            and (one.split, one.kind) == ("val", "mean-of-runs")
            and one.value is not None
        ]
        return max(found, key=lambda one: one.spread is not None, default=None)

    def rows(self, losses: str, metric: str) -> list[Row]:
        """The rows of which the paper prints this cell and the paper says how it was scored."""
        return [
            row
            for row in self.published.rows
            if metric not in row.unsettled and self.number(row.name, losses, metric)
        ]

    def complete(self, row: str, losses: str, metric: str) -> Sample | None:
        """Our values where every planned seed has one."""
        sample = self.samples(row, losses, metric)
        enough = len(sample.values) >= max(self.seeds, 2) and not sample.unscored
        return sample if enough else None


def row_claims(cells: Cells, row: Row) -> tuple[ClaimVerdict, ...]:
    """Whether each loss raises each metric of one row; of what the paper prints."""
    return tuple(
        _row_gain(cells, row, losses, metric)
        for losses in LOSSES
        for metric in METRICS
        if row in cells.rows(losses, metric)
    )


def table_claims(cells: Cells) -> tuple[ClaimVerdict, ...]:
    """The gains that Sec. S.2 states, and the order of the methods in each column."""
    stated = [_stated(cells, claim) for claim in cells.published.claims]
    orders = [
        _order(cells, losses, metric)
        for losses in (_BASELINE, *LOSSES)
        for metric in METRICS
        if cells.rows(losses, metric)
    ]
    return (*stated, *orders)


def held(gain: Contrast) -> Held:
    """A gain holds if it is shown to be above 0, and fails if it is shown to be below (Welch)."""
    if p_greater(gain) < LEVEL:
        return Held.HOLDS
    below = Contrast(-gain.difference, gain.error, gain.freedom)
    return Held.FAILS if p_greater(below) < LEVEL else Held.OPEN


def _row_gain(cells: Cells, row: Row, losses: str, metric: str) -> ClaimVerdict:
    claim = ClaimVerdict(
        id=f"gain/{losses}/{row.name}/{metric}",
        text=f"{losses} raises {metric} of {row.title} {row.backbone_title}",
        status=Held.OPEN,
        row=row.name,
        recomputed=_paper_gain(cells, [row], losses, metric),
        in_paper=_in_paper(cells, [row], losses, metric),
    )
    ours = _our_parts(cells, [row], losses, metric)
    if ours is None:
        return replace(claim, notes=("seeds are missing in one of the two cells",))
    gain = combined(ours)
    with_, without = (cells.samples(row.name, one, metric).values for one in (losses, _BASELINE))
    paired = {seed: with_[seed] - without[seed] for seed in with_ if seed in without}
    return replace(_measured(claim, gain, held(gain)), by_seed=paired)


def _stated(cells: Cells, claim: Claim) -> ClaimVerdict:
    """One gain of Sec. S.2: an average over rows on val, or a single pair on test."""
    where = "on average" if claim.method is None else f"of {claim.method}/{claim.backbone}"
    text = f"{claim.losses} raises {claim.metric} {where} by {claim.gain:g} on {claim.split}"
    text += " against the reported number" if claim.against == "reported" else ""
    verdict = ClaimVerdict(id=claim.id, text=text, status=Held.OPEN, printed=claim.gain)
    if claim.recomputed != "agrees":
        note = f"the paper prints {claim.gain:+.1f}, its own cells give {claim.recomputed:+.2f}"
        verdict = replace(verdict, recomputed=float(claim.recomputed), notes=(note,))
    if claim.split == "test":
        return replace(verdict, notes=(*verdict.notes, _TEST_SET))
    return _average(cells, claim, verdict)


def _average(cells: Cells, claim: Claim, verdict: ClaimVerdict) -> ClaimVerdict:
    """The gain averaged over rows. It fails too if it falls short of the paper's, beyond chance.

    Rows that share stages 1-6 are dependent, so they count as one chain: their scores are averaged
    seed by seed. The paper's chains are taken to depend fully, which only widens the interval.
    """
    rows = cells.rows(claim.losses, claim.metric)
    unsettled = [row.name for row in cells.published.rows if claim.metric in row.unsettled]
    notes = list(verdict.notes)
    if unsettled:
        notes.append(
            f"over {len(rows)} of {len(cells.published.rows)} rows: {claim.metric} of "
            f"{', '.join(unsettled)} is not judged"
        )
    expected = _paper_gain(cells, rows, claim.losses, claim.metric)
    verdict = replace(
        verdict,
        recomputed=_paper_gain(cells, cells.published.rows, claim.losses, claim.metric),
        in_paper=_in_paper(cells, rows, claim.losses, claim.metric),
        notes=tuple(notes),
    )
    ours = _our_parts(cells, rows, claim.losses, claim.metric)
    if ours is None or expected is None:
        return replace(verdict, notes=(*notes, _missing_rows(cells, rows, claim)))
    gain = combined(ours)
    theirs = _paper_parts(cells, rows, claim.losses, claim.metric, ours)
    shortfall = combined([*ours, *((-weight, one) for weight, one in theirs)])
    _, most = interval(moved(shortfall, half_unit(1)))
    status = held(gain)
    if most < 0:
        status = Held.FAILS
        notes.append(f"short of the {expected:+.2f} of the paper's cells, beyond chance")
    return replace(_measured(verdict, gain, status), notes=tuple(notes))


def _missing_rows(cells: Cells, rows: Sequence[Row], claim: Claim) -> str:
    whole = [
        row
        for row in rows
        if all(cells.complete(row.name, one, claim.metric) for one in (_BASELINE, claim.losses))
    ]
    return f"{len(whole)} of {len(rows)} rows have all their seeds, or they have different seeds"


def _order(cells: Cells, losses: str, metric: str) -> ClaimVerdict:
    """Whether the methods come in the paper's order: Kendall's τ, tested one-sided."""
    rows = cells.rows(losses, metric)
    claim = ClaimVerdict(
        id=f"order/{losses}/{metric}",
        text=f"the order of {len(rows)} rows by {metric}, losses {losses}",
        status=Held.OPEN,
    )
    samples = [cells.complete(row.name, losses, metric) for row in rows]
    printed = [cells.number(row.name, losses, metric) for row in rows]
    theirs = [one.value for one in printed if one is not None]
    ours = [summarise(one.values.values()).mean for one in samples if one is not None]
    if len(ours) < len(rows):
        note = f"{len(ours)} of {len(rows)} rows have all their seeds"
        return replace(claim, notes=(note,))
    tau, p_same, p_opposite = _kendall(theirs, ours)
    status = Held.HOLDS if p_same < LEVEL else Held.FAILS if p_opposite < LEVEL else Held.OPEN
    return replace(claim, status=status, gain=tau, p=p_same)


def _kendall(theirs: Sequence[float | None], ours: Sequence[float]) -> tuple[float, float, float]:
    """τ, and its p values towards the same order and towards the opposite one."""
    from scipy.stats import kendalltau

    same = kendalltau(theirs, ours, alternative="greater")
    opposite = kendalltau(theirs, ours, alternative="less")
    return float(same.statistic), float(same.pvalue), float(opposite.pvalue)


def _our_parts(
    cells: Cells, rows: Sequence[Row], losses: str, metric: str
) -> list[tuple[float, Summary]] | None:
    """Weighted means of ours whose sum is the average gain over rows; None where seeds miss."""
    parts = []
    for chain in _chains(rows):
        weight = len(chain) / len(rows)
        for sign, one in ((weight, losses), (-weight, _BASELINE)):
            samples = [cells.complete(row.name, one, metric) for row in chain]
            values = _by_seed([sample.values for sample in samples if sample is not None])
            if None in samples or len(values) < max(cells.seeds, 2):
                return None
            parts.append((sign, summarise(values)))
    return parts


def _by_seed(samples: Sequence[Mapping[int, float]]) -> list[float]:
    """The mean over dependent rows, seed by seed; of the seeds that all of them have."""
    if not samples:
        return []
    seeds = set(samples[0]).intersection(*samples)
    return [sum(values[seed] for values in samples) / len(samples) for seed in sorted(seeds)]


def _paper_parts(
    cells: Cells,
    rows: Sequence[Row],
    losses: str,
    metric: str,
    stand_ins: Sequence[tuple[float, Summary]],
) -> Iterator[tuple[float, Summary]]:
    """The same of the paper's cells. Where no spread is printed the paper scatters as we do."""
    arms = [(chain, one) for chain in _chains(rows) for one in (losses, _BASELINE)]
    for (chain, one), (weight, stand_in) in zip(arms, stand_ins, strict=True):
        numbers = [cells.number(row.name, one, metric) for row in chain]
        found = [summary_of(number) for number in numbers if number is not None]
        spreads = [summary.sd for summary in found if summary.sd is not None]
        whole = len(spreads) == len(found)
        sd = sum(spreads) / len(spreads) if whole else stand_in.sd
        mean = sum(summary.mean for summary in found) / len(found)
        yield weight, Summary(mean, sd, found[0].n)


def _in_paper(cells: Cells, rows: Sequence[Row], losses: str, metric: str) -> Held | None:
    """What the paper's cells say of a gain; None where they print no spread to test it by."""
    weights = [len(chain) / len(rows) for chain in _chains(rows)]
    blank = Summary(0.0, None, 1)
    signs = [(sign * weight, blank) for weight in weights for sign in (1, -1)]
    parts = list(_paper_parts(cells, rows, losses, metric, signs))
    return None if any(one.sd is None for _, one in parts) else held(combined(parts))


def _paper_gain(cells: Cells, rows: Sequence[Row], losses: str, metric: str) -> float | None:
    """The average gain over rows, from the paper's cells."""
    pairs = [
        (cells.number(row.name, losses, metric), cells.number(row.name, _BASELINE, metric))
        for row in rows
    ]
    gains = [
        with_.value - without.value
        for with_, without in pairs
        if with_ and without and with_.value is not None and without.value is not None
    ]
    return round(sum(gains) / len(gains), 6) if len(gains) == len(rows) else None


def _chains(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows that share stages 1-6, together."""
    chains: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        chains.setdefault(frozenset({row.name, *row.shares}), []).append(row)
    return list(chains.values())


def _measured(claim: ClaimVerdict, gain: Contrast, status: Held) -> ClaimVerdict:
    low, high = interval(gain)
    return replace(
        claim,
        status=status,
        gain=float(gain.difference),
        low=float(low),
        high=float(high),
        p=float(p_greater(gain)),
    )
