"""A report from evidence: its sections in the order in which a reviewer asks."""

from harness.evidence.evidence import Evidence
from harness.report.beside import Beside
from harness.report.blocks import Report
from harness.report.sections.curves import curves
from harness.report.sections.environment import environment
from harness.report.sections.gallery import gallery
from harness.report.sections.overview import overview
from harness.report.sections.provenance import provenance
from harness.report.sections.scores import scores
from harness.report.sections.tables import tables
from harness.report.sections.timing import timing
from harness.report.sections.training import training
from harness.report.sections.verdicts import verdicts


def make_report(evidence: Evidence, beside: Beside) -> Report:
    """The report of these runs. It holds no time of its own: equal evidence gives an equal one."""
    rows = dict.fromkeys(run.row for run in evidence.runs)
    sections = (
        overview(evidence),
        verdicts(beside.findings.verdict, rows) if beside.findings else None,
        tables(beside.findings, rows) if beside.findings else None,
        scores(evidence, beside),
        curves(evidence),
        gallery(evidence, beside),
        training(evidence),
        timing(evidence),
        environment(evidence),
        provenance(evidence, beside),
    )
    methods = ", ".join(dict.fromkeys(run.method for run in evidence.runs))
    return Report(
        title=f"Reproduction report: {methods}" if methods else "Reproduction report",
        subtitle=_subtitle(evidence),
        sections=tuple(section for section in sections if section is not None),
    )


def _subtitle(evidence: Evidence) -> str:
    count = len(evidence.runs)
    return f"{count} run{'' if count == 1 else 's'} of harness"
