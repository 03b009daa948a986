"""The verb `record export`: hand finished runs over as one archive."""

from collections.abc import Sequence
from pathlib import Path

from harness.archive.contents import HandOver, hand_over
from harness.archive.export import LICENCE, export, refuse_taken
from harness.commands.context import Context
from harness.commands.places import absolute
from harness.errors import UsageError
from harness.evidence.gather import chosen, gather


def export_runs(
    context: Context,
    names: Sequence[str],
    target: Path,
    *,
    report: Path | None = None,
    licence: str = LICENCE,
) -> HandOver:
    """Write an archive of the runs of these methods, or whose names begin so.

    Raises UsageError for a name of no run, a target that is there, a report that is not, and for
    runs of a method that has no manifest here.
    """
    place = absolute(target, "--ro-crate")
    refuse_taken(place)
    evidence = chosen(gather(context.layout), names)
    if not evidence.runs:
        raise UsageError(
            f"no run under {context.layout.root} has a record",
            hint="run something with `harness reproduce` first",
        )
    methods = [context.method(name) for name in dict.fromkeys(run.method for run in evidence.runs)]
    wanted = hand_over(context.project, context.catalogue, methods, evidence, _page(report))
    export(wanted, place, licence)
    return wanted


def _page(report: Path | None) -> Path | None:
    if report is None:
        return None
    page = absolute(report, "--report")
    if not page.is_file():
        raise UsageError(
            f"--report {report}: there is no such file", hint="write it with `harness report`"
        )
    return page
