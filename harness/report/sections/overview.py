"""What the report is about, and what is wrong with the evidence."""

from collections.abc import Iterator

from harness.evidence.evidence import Evidence, RunEvidence
from harness.manifest.model import Scale
from harness.report.blocks import Block, Cell, Facts, Grid, Section, Text, Tone, cell
from harness.report.steps import steps_of
from harness.report.units import duration, instant

_DEMO = "demo"
_SHOWN = 2  # names on a card


def overview(evidence: Evidence) -> Section:
    """Runs, time and version at a glance; then unfinished runs and damage."""
    blocks = [Facts(facts=tuple(_facts(evidence))), *_warnings(evidence)]
    if unfinished := [run for run in evidence.runs if not run.done]:
        blocks.append(_unfinished(unfinished))
    return Section(id="overview", title="Overview", blocks=blocks)


def _facts(evidence: Evidence) -> Iterator[tuple[str, Cell]]:
    runs = evidence.runs
    done = sum(run.done for run in runs)
    tone = Tone.GOOD if done == len(runs) else Tone.BAD
    yield "runs finished", cell(f"{done} of {len(runs)}", tone=tone)
    yield "rows", cell(_names(list(dict.fromkeys(run.row for run in runs))))
    yield "losses", cell(", ".join(dict.fromkeys(run.losses.value for run in runs)))
    yield "seeds", cell(", ".join(map(str, sorted({run.seed for run in runs}))))
    yield "scale", cell(", ".join(dict.fromkeys(run.scale.value for run in runs)))
    steps = [one for one in steps_of(runs) if one.step.record]
    if steps:
        records = [one.step.record for one in steps if one.step.record]
        yield "distinct steps", cell(str(len(steps)))
        yield "time of all steps", cell(duration(sum(one.seconds or 0 for one in steps)))
        yield "first start", cell(instant(min(one["time"]["start"] for one in records)))
        yield "last end", cell(instant(max(one["time"]["end"] for one in records)))
    yield "harness", cell(", ".join(dict.fromkeys(str(run.record["harness"]) for run in runs)))


def _names(names: list[str]) -> str:
    """Names as far as a card has room for them."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _warnings(evidence: Evidence) -> Iterator[Block]:
    if any(run.scale.rehearsed for run in evidence.runs):
        text = "A rehearsal measures steps on a few pictures. Its scores mean nothing."
        yield Text(text=text, tone=Tone.WARN)
    if any(run.scale is Scale.SMOKE for run in evidence.runs):
        text = "Smoke scale proves the wiring of a pipeline. Its scores mean nothing."
        yield Text(text=text, tone=Tone.WARN)
    if any(run.method == _DEMO for run in evidence.runs):
        text = "The demo is a miniature of harness's own. The paper has no numbers for it."
        yield Text(text=text, tone=Tone.MUTED)
    for damage in evidence.damage:
        yield Text(text=f"Damaged: {damage}", tone=Tone.BAD)


def _unfinished(runs: list[RunEvidence]) -> Grid:
    rows = tuple(
        (
            cell(run.id, code=True),
            cell(run.status, tone=Tone.BAD),
            cell(step.name),
            cell(step.error or ""),
        )
        for run in runs
        for step in run.steps.values()
        if step.status in {"failed", "interrupted"}
    )
    return Grid(caption="Unfinished runs", columns=("run", "status", "step", "error"), rows=rows)
