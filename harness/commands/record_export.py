"""The verb `record export`: hand finished runs over as one archive."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.archive.contents import HandOver, hand_over
from harness.archive.export import LICENCE, export, refuse_taken
from harness.commands.context import Context
from harness.commands.places import absolute, refuse_unwritable
from harness.commands.report import page_alone
from harness.errors import UsageError
from harness.evidence.gather import chosen, gather


def export_runs(
    context: Context, names: Sequence[str], target: Path, *, licence: str = LICENCE
) -> HandOver:
    """Write an archive of the runs of these methods, or whose names begin so, with their report.

    The report shows no picture of a data set: those are not ours to hand over. Raises UsageError
    for a name of no run, a target that is there, and runs of a method that has no manifest here.
    """
    place = absolute(target, "--ro-crate")
    refuse_taken(place)
    refuse_unwritable(place.parent, "--ro-crate", target)
    evidence = chosen(gather(context.layout), names)
    if not evidence.runs:
        raise UsageError(
            f"no run under {context.layout.root} has a record",
            hint="run something with `harness reproduce` first",
        )
    methods = [context.method(name) for name in dict.fromkeys(run.method for run in evidence.runs)]
    with tempfile.TemporaryDirectory(prefix="harness-report-") as folder:
        page = Path(folder, "report.html")
        page.write_text(page_alone(context, evidence), encoding="utf-8")
        wanted = hand_over(context.project, context.catalogue, methods, evidence, page)
        export(wanted, place, licence)
    return wanted
