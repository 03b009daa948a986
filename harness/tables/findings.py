"""What tables are made of: the published numbers, our judged runs, and the verdicts."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.evidence.backgrounds import Fixed
from harness.evidence.evidence import Evidence, RunEvidence
from harness.manifest.paper import Number, Published, Row
from harness.tables.model import Absent, Cell, Count, Measured, Printed, Ruling, Seeds
from harness.verdict.results import CellVerdict, RowVerdict, Verdict
from harness.verdict.verdict import judge

#: The score of a chain; of one with a CRF the other score too, by the option `deeplab-crf`.
FINAL, WITHOUT_CRF, WITH_CRF = "final", "final-plain", "final-crf"
_LEAST = 2  # seeds that have a spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that a table can say.

    Runs are those that the verdict judged: one environment, option set, scale, source and patch
    set for each row. All others are named in notes.
    """

    published: Published
    verdict: Verdict
    runs: Mapping[str, tuple[RunEvidence, ...]]  # by row, seeds in order
    about_masks: Mapping[str, frozenset[str]] = field(default_factory=dict)  # method -> options
    backgrounds: Mapping[str, Fixed] = field(default_factory=dict)  # method -> what its options fix

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        published: Published,
        about_masks: Mapping[str, frozenset[str]] | None = None,
        backgrounds: Mapping[str, Fixed] | None = None,
    ) -> "Findings":
        """Judge the evidence, and keep the judged runs of each row."""
        verdict = judge(evidence, published)
        return cls(
            published=published,
            verdict=verdict,
            runs={row.row.name: tuple(_judged(evidence, row)) for row in verdict.rows},
            about_masks=about_masks or {},
            backgrounds=backgrounds or {},
        )

    def number(self, name: str) -> Number:
        """One published number by its id. Raises KeyError."""
        return self.cell(name).number

    def cell(self, name: str) -> CellVerdict:
        """The verdict on one published number, by its id. Raises KeyError."""
        found = next((one for one in self.verdict.cells if one.number.id == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def arm(self, row: Row, losses: str) -> tuple[RunEvidence, ...]:
        """The judged runs of one row and loss."""
        return tuple(run for run in self.runs[row.name] if run.losses.value == losses)

    def ours(self, row: Row, losses: str, label: str, metric: str) -> Cell:
        """What our runs scored: mean and spread of all seeds, or the values if some are missing."""
        runs = self.arm(row, losses)
        pairs = ((run.seed, getattr(run.scores.get(label), metric, math.nan)) for run in runs)
        by_seed = {seed: value for seed, value in pairs if math.isfinite(value)}
        if not by_seed:
            return Absent("no runs")
        planned = max(self.verdict.seeds, _LEAST, len(runs))
        return Measured(by_seed) if len(by_seed) >= planned else Seeds(by_seed)

    def tested(self, row: Row, losses: str) -> Cell:
        """J on the test set of the best run by val (tie: lowest seed), as the server answered it.

        Only the best of all planned seeds is submitted, so there is none before they are done.
        """
        if not isinstance(self.ours(row, losses, FINAL, "J"), Measured):
            return Absent("no runs")
        best = max(self.arm(row, losses), key=lambda run: (run.scores[FINAL].J, -run.seed))
        if best.test_score is None:
            return Absent("no runs")
        return Measured({best.seed: best.test_score})


def printed(number: Number) -> Cell:
    """A published number as a cell, or why there is none."""
    if number.value is not None:
        return Printed(number.value, number.spread, number.decimals)
    return Absent("dash" if number.status == "dash" else "unknown")


def ruling(cell: CellVerdict) -> Ruling:
    """A verdict as a cell."""
    return Ruling(cell.status.value, "; ".join(cell.notes))


def count(ours: Cell) -> Cell:
    """How many seeds a cell of ours holds."""
    return Count(len(ours.by_seed)) if isinstance(ours, Measured | Seeds) else Absent("no runs")


def crf_labels(row: Row, runs: tuple[RunEvidence, ...]) -> Mapping[str, str]:
    """The scores of a row's last stage, `final` first: label -> whether it is after the CRF.

    That is "yes" or "no" where the chain scores both, else "".
    """
    if not row.unsettled:
        return {FINAL: ""}
    if any(WITH_CRF in run.scores for run in runs):
        return {FINAL: "no", WITH_CRF: "yes"}
    return {FINAL: "yes", WITHOUT_CRF: "no"}


def _judged(evidence: Evidence, row: RowVerdict) -> Iterator[RunEvidence]:
    for run in evidence.runs:
        if run.row == row.row.name and run.id not in row.apart:
            yield run
