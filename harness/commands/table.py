"""The verb `table`: a table of the paper as a value; it reads manifests and records only."""

from collections.abc import Callable, Mapping

from harness.commands.context import Context
from harness.commands.plan import expand
from harness.evidence.backgrounds import fixed_by
from harness.evidence.evidence import Evidence
from harness.evidence.gather import gather
from harness.manifest.load import load_published
from harness.manifest.model import Option
from harness.names import choose
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
TABLES = tuple(sorted((*_OF_RUNS, _REPOSITORIES)))


def table(context: Context, name: str) -> tuple[Table, tuple[str, ...]]:
    """The table of that name, and what could not be read for it. Raises UsageError."""
    name = choose(name, TABLES, f"no table {name!r}", listed="there is")
    if name == _REPOSITORIES:
        methods = (context.method(method) for method in expand(context, ("all",)))
        return table_8(methods, context.catalogue), ()
    found = gather(context.layout)
    return _OF_RUNS[name](findings(context, found)), found.damage


def findings(context: Context, evidence: Evidence) -> Findings:
    """What tables and reports are made of."""
    published = load_published(context.project)
    judged = {row.method for row in published.rows} & {run.method for run in evidence.runs}
    options = {name: context.method(name).options for name in judged}
    return Findings.of(
        evidence,
        published,
        about_masks={name: _about_masks(some) for name, some in options.items()},
        backgrounds={name: fixed_by(some) for name, some in options.items()},
    )


def parse_format(text: str) -> Format:
    """The format of that name. Raises UsageError."""
    return Format(choose(text, Format, f"--format {text}: unknown"))


def _about_masks(options: Mapping[str, Option]) -> frozenset[str]:
    """The options that decide about pixel masks."""
    return frozenset(name for name, option in options.items() if option.uses_masks)
