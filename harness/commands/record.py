"""The verbs `record list`, `show`, `diff` and `check`: they only read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import __version__
from harness.commands.context import Context
from harness.commands.places import folder_there
from harness.commands.plan import plan
from harness.environments.requirements import read_lock
from harness.errors import NotReadyError, UsageError
from harness.evidence.differences import (
    Comparison,
    Difference,
    compare_runs,
    compare_steps,
    differing_facts,
    kind_of,
)
from harness.evidence.evidence import Evidence, RunEvidence, StepEvidence
from harness.evidence.facts import step_facts
from harness.evidence.gather import chosen, find_step, gather, one_run
from harness.execution.surroundings import cards
from harness.layout import RunLayout
from harness.manifest.model import RuntimeName
from harness.names import choose
from harness.plan.make import Ask
from harness.plan.plan import BoundStep, Plan
from harness.store.machine import describe_machine

_KEY = re.compile(r"[0-9a-f]{8,64}")
Subject = RunEvidence | StepEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step in a list of records: where it was made, as far as a record tells."""

    run: str
    step: StepEvidence

    @property
    def record(self) -> Mapping[str, Any]:
        """Its record; empty if there is none."""
        return self.step.record or {}


def runs(context: Context, words: Sequence[str]) -> Evidence:
    """The runs that have records, of these methods or names."""
    return chosen(gather(context.layout), words)


def step_rows(evidence: Evidence) -> list[StepRow]:
    """The steps of the runs, one that several share once."""
    rows: dict[str, StepRow] = {}
    for run in evidence.runs:
        for step in run.steps.values():
            rows.setdefault(step.key, StepRow(run=run.id, step=step))
    return list(rows.values())


def find(context: Context, word: str, place: Path | None = None) -> Subject:
    """The run or step that `RUN`, `RUN/STEP` or `KEY` names, in `place` instead of `runs/`.

    A step that did not finish is its newest attempt. Raises UsageError for none or several.
    """
    layout = context.layout if place is None else RunLayout(folder_there(place, "--with"))
    if _KEY.fullmatch(word):
        found = find_step(layout, word)
        if found is None:
            raise UsageError(
                f"{word}: no step of that key under {layout.root} has a record",
                hint="see `harness record list --steps`",
            )
        return found
    evidence = gather(layout)
    name, _, step = word.partition("/")
    if step and not any(run.row == word for run in evidence.runs):
        return _step_of(layout, one_run(evidence, name), step)
    return one_run(evidence, word)


def compare(left: Subject, right: Subject) -> Comparison:
    """Compare two runs, or two steps. Raises UsageError for one of each, or without records."""
    if isinstance(left, RunEvidence) and isinstance(right, RunEvidence):
        return compare_runs(left, right)
    if isinstance(left, StepEvidence) and isinstance(right, StepEvidence):
        return compare_steps(left, right)
    raise UsageError("a run and a step cannot be compared", hint="name two runs, or two steps")


def find_run(context: Context, word: str) -> RunEvidence:
    """The one run that `word` names. Raises UsageError."""
    return one_run(gather(context.layout), word)


def check(context: Context, run: RunEvidence) -> list[Difference]:
    """In what this machine and project differ from those that made a run; nothing is built.

    Raises UsageError if the project does not have the run any more.
    """
    here = _surroundings(context, run)
    return differing_plan(run, replan(context, run), here)


def differing_plan(run: RunEvidence, planned: Plan, here: Mapping[str, Any]) -> list[Difference]:
    """In what steps as they are planned now differ from their records, graver kinds first.

    `here` has fields of step records as this machine would fill them.
    """
    found: dict[tuple[str, str, str], Difference] = {}
    for name, key in planned.runs[0].steps.items():
        step = run.steps.get(name)
        if step is None or step.record is None:
            continue
        now = _as_planned(step.record, planned.steps[key], here)
        for fact, one, other in differing_facts(step_facts(step.record), step_facts(now)):
            seen = (fact, repr(one), repr(other))
            before = found[seen].steps if seen in found else ()
            found[seen] = Difference(
                fact=fact, kind=kind_of(fact), left=one, right=other, steps=(*before, name)
            )
    return sorted(found.values(), key=lambda one: one.kind.rank)


def replan(context: Context, run: RunEvidence, runtime: RuntimeName | None = None) -> Plan:
    """Plan the steps of a recorded run again, from this project, perhaps under another runtime.

    Raises UsageError or ManifestError if the project does not have them any more.
    """
    own = {step.name for step in context.method(run.method).steps}  # others make smoke assets
    ask = Ask(
        methods=(run.method,),
        backbone=run.backbone,
        losses=(run.losses,),
        seed=(run.seed,),
        scale=run.scale,
        stack=run.stack,
        runtime=runtime or RuntimeName(run.runtime),
        options=run.options,
        anchor=run.record["run"].get("anchor"),
        until=tuple(name for name in run.steps if name in own),
        with_test=True,  # only where the run has such steps: `until` names them
    )
    return plan(context, ask)


def _as_planned(
    record: Mapping[str, Any], step: BoundStep, here: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The record that the step would get now, as far as it is known before it runs."""
    source = step.key_inputs.get("source")
    gpus = here.get("gpus", record.get("gpus", [])) if step.resources.gpus else []
    return {
        **record,
        **here,
        "identity": {**record["identity"], "key_inputs": step.key_inputs},
        "sources": {step.repo: source} if step.repo and source else {},
        "seed": step.seed,
        "command": {"threads": step.threads, "workers": step.workers},
        "container": {"gpus": [card["uuid"] for card in gpus]},
        "gpus": gpus,
        "environment": {**record["environment"], **here.get("environment", {})},
        "host": {**record["host"], **here.get("host", {})},
    }


def _surroundings(context: Context, run: RunEvidence) -> dict[str, Any]:
    """The fields of a step record that tell of the machine, filled for this one."""
    host = dict(describe_machine())
    runtime = RuntimeName(run.runtime)
    environment: dict[str, Any] = {
        "id": context.environments(runtime, run.stack).identify(run.method, run.stack),
        "lock": read_lock(context.project, run.method, run.stack).sha256,
    }
    if runtime is RuntimeName.PROCESS:
        environment |= {"os": host["os"], "libc": host["libc"]}
    count = max((len(_gpus(step.record)) for step in run.steps.values() if step.record), default=0)
    return {
        "environment": environment,
        "host": host,
        "gpus": cards([gpu.uuid for gpu in context.gpus().cards[:count]]) if count else [],
        "runtime": _isolation(context, run),
        "harness": __version__,
        "code": context.code,
    }


def _gpus(record: Mapping[str, Any]) -> Sequence[str]:
    found: Sequence[str] = record["container"]["gpus"]
    return found


def _isolation(context: Context, run: RunEvidence) -> Mapping[str, object]:
    try:
        return context.runtime(RuntimeName(run.runtime), run.scale).isolation()
    except NotReadyError:
        return {"runtime": "not to be had"}


def _step_of(layout: RunLayout, run: RunEvidence, name: str) -> StepEvidence:
    step = run.steps[choose(name, run.steps, f"{run.id} has no step {name}", listed="steps")]
    recorded = step if step.record is not None else find_step(layout, step.key)
    if recorded is None:
        raise UsageError(
            f"{run.id}/{step.name} has no record: it never started, or its record was removed",
            hint="see `harness status`",
        )
    return recorded
