"""The page of an archive for people: what it holds, and how to read it."""

from harness import __version__
from harness.archive.contents import HandOver
from harness.layout import ArchiveLayout

_PAGE = """\
# {count} runs of {methods}

harness {version} wrote this archive. It is a Workflow Run RO-Crate: `{metadata}` describes
every file with its sha256, and every run and step with what it read, what it wrote, when and in
what software.

| place | what it holds |
| --- | --- |
| `runs/runs/` | the record of each run |
| `runs/store/` | of each step the record and the log; of scoring steps the scores and samples |
| `manifests/`, `patches/`, `dockerfiles/`, `harness.lock` | what the project said on export |
{report}
It holds no data: no images, weights or CAMs. The hashes show a damaged file. They do not show who
wrote it.

With harness installed, `harness scores --from ARCHIVE` shows the scores again, and `verdict`,
`table` and `report` judge and show them the same way. They need nothing but this archive.

| run | status | {labels} |
| --- | --- | {lines} |
{rows}
"""
_REPORT = f"| `{ArchiveLayout.report}` | the report |\n"


def readme(wanted: HandOver) -> str:
    """The page as Markdown, with the scores in percent."""
    runs = wanted.evidence.runs
    labels = list(dict.fromkeys(label for run in runs for label in run.scores))
    rows = []
    for run in runs:
        shown = [run.scores.get(label) for label in labels]
        cells = [f"{one.J:.1f} / {one.F:.1f}" if one else "–" for one in shown]
        rows.append(" | ".join([f"| {run.id}", run.status, *cells]) + " |")
    return _PAGE.format(
        count=len(runs),
        methods=", ".join(wanted.methods),
        version=__version__,
        metadata=ArchiveLayout.metadata,
        report=_REPORT if ArchiveLayout.report in wanted.files else "",
        labels=" | ".join(f"{label} J / F" for label in labels) or "scores",
        lines=" | ".join("---" for _ in labels) or "---",
        rows="\n".join(rows),
    )
