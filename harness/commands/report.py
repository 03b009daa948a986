"""The verb `report`: all that finished runs can show, for a reader without harness."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.assets.declared import AssetState
from harness.commands.context import Context
from harness.errors import UsageError
from harness.evidence.evidence import Evidence
from harness.evidence.gather import chosen, gather
from harness.files import write_text
from harness.names import choose
from harness.report.blocks import Report
from harness.report.mark import has_mark, mark, marked

_logger = logging.getLogger(__name__)


class Format(StrEnum):
    """What a report is written as."""

    HTML = "html"
    MARKDOWN = "markdown"


def format_of(text: str) -> Format:
    """The format of that name. Raises UsageError."""
    return Format(choose(text, Format, f"--format {text}: unknown"))


@dataclass(frozen=True, slots=True)
class Written:
    """A report as text, and the runs that it is about."""

    text: str
    evidence: Evidence


def report(context: Context, words: Sequence[str], form: Format) -> Written:
    """The report of the runs of these methods, or whose names begin so; of all without words.

    Raises UsageError for a word that names no run, and where there is none at all.
    """
    every = gather(context.layout)
    if not every.runs and not every.damage:
        raise UsageError(
            f"no run has a record under {context.layout.runs}",
            hint="`harness reproduce` makes one; `harness status` shows what is under way",
        )
    evidence = chosen(every, words)
    return Written(_rendered(_made(context, every, evidence), form), evidence)


def page_alone(context: Context, evidence: Evidence) -> str:
    """The page for whoever has these runs and no other: their verdict rests on them alone.

    It shows no picture of a data set: those are not ours to hand over.
    """
    return _rendered(_made(context, evidence, evidence, pictures=False), Format.HTML)


def write_after(context: Context, runs: Collection[str]) -> Path | None:
    """Have the report of the given runs under `runs/`; None if that fails, which is warned of.

    It is drawn only if it would differ. `reproduce` calls it last: whatever goes wrong here, the
    scores are there.
    """
    try:
        every = gather(context.layout)
        rests_on = mark(every, runs)
        if not has_mark(context.layout.report, rests_on):
            page = _rendered(_made(context, every, _only(every, runs)), Format.HTML)
            write_text(context.layout.report, marked(page, rests_on))
    except Exception as error:  # noqa: BLE001 - see above
        _logger.warning("no report was written: %s: %s", type(error).__name__, error)
        return None
    return context.layout.report


def write_junit(context: Context, runs: Collection[str], file: Path) -> None:
    """Write how the steps of the given runs ended as JUnit XML."""
    from harness.report import junit

    write_text(file, junit.render(_only(gather(context.layout), runs)))


def _only(every: Evidence, runs: Collection[str]) -> Evidence:
    return replace(every, runs=tuple(run for run in every.runs if run.id in runs))


def _made(context: Context, every: Evidence, shown: Evidence, *, pictures: bool = True) -> Report:
    """The report of some runs. The verdict rests on every run: its corrections count them all."""
    from harness.commands.table import findings
    from harness.report.beside import Beside
    from harness.report.make import make_report

    beside = Beside(
        repositories={name: pin.url for name, pin in context.catalogue.repositories.items()},
        data=_data(context, shown) if pictures else {},
        findings=findings(context, every) if context.project.paper.exists() else None,
    )
    return make_report(shown, beside)


def _rendered(report: Report, form: Format) -> str:
    from harness.report import html, markdown

    match form:
        case Format.HTML:
            return html.render(report)
        case Format.MARKDOWN:
            return markdown.render(report)


def _data(context: Context, evidence: Evidence) -> dict[str, Path]:
    """The folders of the assets that runs were scored against, by digest, if they are unchanged."""
    wanted = {
        source["asset"]
        for run in evidence.runs
        for scores in run.scores.values()
        for source in _inputs(run.steps[scores.step].record)
        if "asset" in source
    }
    if not wanted:
        return {}
    return {
        one.digest: one.path
        for one in context.assets.status()
        if one.path is not None and one.digest in wanted and one.state is AssetState.READY
    }


def _inputs(record: Mapping[str, Any] | None) -> Iterable[Mapping[str, str]]:
    return record["identity"]["key_inputs"].get("inputs", {}).values() if record else ()
