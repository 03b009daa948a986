"""The whole: from evidence and published numbers to one verdict. Pure, so it costs nothing."""

from harness.evidence.evidence import Evidence
from harness.manifest.paper import Number, Published
from harness.verdict.cells import judge_cells, reported_against_reproduced
from harness.verdict.claims import Cells, row_claims, table_claims
from harness.verdict.results import Sample, Verdict
from harness.verdict.rows import row_verdict
from harness.verdict.samples import outside, row_samples


def judge(evidence: Evidence, published: Published) -> Verdict:
    """Judge every cell, claim and row of the paper by the runs that were finished.

    Always all of them, whichever are shown: the correction for many cells depends on their number.
    """
    seeds = int(published.settings["seeds"])
    samples = {row.name: row_samples(evidence, row.method, row.backbone) for row in published.rows}

    def of(row: str, losses: str, metric: str) -> Sample:
        return samples[row].of(losses, metric)

    def of_number(number: Number) -> Sample:
        row = f"{number.method}/{number.backbone}"
        on_val = number.split == "val"  # the test set is scored elsewhere
        return of(row, number.losses, number.metric) if on_val else Sample()

    found = judge_cells(published, of_number, seeds)
    cells = Cells(published, of, seeds)
    return Verdict(
        paper=str(published.paper["id"]),
        seeds=seeds,
        rows=tuple(
            row_verdict(
                row,
                [cell for cell in found if cell.row == row.name],
                row_claims(cells, row),
                samples[row.name],
            )
            for row in published.rows
        ),
        claims=table_claims(cells),
        reported=reported_against_reproduced(published),
        apart=outside(evidence, samples),
        damage=evidence.damage,
    )
