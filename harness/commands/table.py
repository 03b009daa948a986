"""The verb `table`: a table of the paper as a value; it reads manifests and records only."""

from collections.abc import Callable, Mapping

from harness.commands.context import Context
from harness.commands.plan import expand
from harness.errors import UsageError
from harness.evidence.evidence import Evidence
from harness.evidence.gather import gather
from harness.manifest.load import load_published
from harness.manifest.paper import Published
from harness.tables.findings import Findings
from harness.tables.formats import Format
from harness.tables.model import Table
from harness.tables.stages import stages
from harness.tables.table_6 import table_6
from harness.tables.table_7 import table_7
from harness.tables.table_8 import table_8

_OF_RUNS: Mapping[str, Callable[[Findings], Table]] = {
    "6": table_6,
    "7": table_7,
    "stages": stages,
}
_REPOSITORIES = "8"


def table(context: Context, name: str) -> tuple[Table, tuple[str, ...]]:
    """The table of that name, and what could not be read for it. Raises UsageError."""
    if name == _REPOSITORIES:
        methods = (context.method(method) for method in expand(context, ("all",)))
        return table_8(methods, context.catalogue), ()
    if name not in _OF_RUNS:
        known = ", ".join(sorted((*_OF_RUNS, _REPOSITORIES)))
        raise UsageError(f"no table {name!r}", hint=f"there is: {known}")
    found = gather(context.layout)
    return _OF_RUNS[name](findings(context, found)), found.damage


def findings(context: Context, evidence: Evidence) -> Findings:
    """What tables and reports are made of."""
    published = load_published(context.project)
    return Findings.of(evidence, published, _about_masks(context, evidence, published))


def parse_format(text: str) -> Format:
    """The format of that name. Raises UsageError."""
    try:
        return Format(text)
    except ValueError:
        raise UsageError(f"--format {text}: unknown", hint=f"one of: {', '.join(Format)}") from None


def _about_masks(
    context: Context, evidence: Evidence, published: Published
) -> dict[str, frozenset[str]]:
    """The options that decide about pixel masks, of each method that is judged and has runs."""
    judged = {row.method for row in published.rows} & {run.method for run in evidence.runs}
    return {
        name: frozenset(
            key for key, option in context.method(name).options.items() if option.uses_masks
        )
        for name in judged
    }
