"""How records of runs and steps are shown."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.commands.rebuild import Rebuilt
from harness.commands.record import StepRow
from harness.evidence.differences import Comparison, Difference
from harness.evidence.evidence import Evidence, RunEvidence, Scores, StepEvidence
from harness.evidence.facts import run_facts, step_facts
from harness.evidence.suspects import explanation, show, suspect


def run_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """`record list`: the runs, when and where their steps really ran, and their final scores."""
    rows = []
    for run in evidence.runs:
        records = [step.record for step in run.steps.values() if step.record]
        final = run.scores.get("final")
        rows.append(
            {
                "name": run.id,
                "status": run.status,
                "steps": len(run.steps),
                "start": min((one["time"]["start"] for one in records), default=None),
                "end": max((one["time"]["end"] for one in records), default=None),
                "hosts": sorted({one["host"]["name"] for one in records}),
                "J": final and final.J,
                "F": final and final.F,
            }
        )
    return rows


def record_rows(rows: Iterable[StepRow]) -> list[dict[str, Any]]:
    """`record list --steps`: each distinct step, when and where it really ran."""
    return [
        {
            "name": row.step.name,
            "stage": row.step.stage,
            "key": row.step.key,
            "run": row.run,
            "status": row.record.get("status", row.step.status),
            "start": row.record.get("time", {}).get("start"),
            "seconds": row.record.get("time", {}).get("seconds"),
            "host": row.record.get("host", {}).get("name"),
        }
        for row in rows
    ]


def record_row(found: RunEvidence | StepEvidence) -> dict[str, Any]:
    """`record show --json`: the record under the name of its run or step."""
    name = found.id if isinstance(found, RunEvidence) else found.name
    return {"name": name, "record": found.record}


def about_rows(found: RunEvidence | StepEvidence) -> list[tuple[str, str]]:
    """`record show`: names and values, a line each."""
    if isinstance(found, RunEvidence):
        return list(_about_run(found))
    return list(_about_step(found.record or {}))


def _about_run(run: RunEvidence) -> Iterator[tuple[str, str]]:
    yield from ((name, show(value)) for name, value in run_facts(run.record).items())
    yield "status", run.status
    for label, scores in run.scores.items():
        yield f"score {label}", f"J {scores.J:.2f}  F {scores.F:.2f}"
    for name, step in run.steps.items():
        record = step.record
        ran = f"{record['time']['start']} on {record['host']['name']}" if record else "no record"
        yield f"step {name}", f"{step.status}, {ran}, key {step.key[:12]}"


def _about_step(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "key", record["identity"]["key"]
    yield "status", record["status"]
    for name in ("start", "end", "seconds"):
        yield name, show(record["time"][name])
    memory = record.get("use", {}).get("peak_memory_gb")
    yield "peak memory", "unknown" if memory is None else f"{memory:g} GB"
    for uuid, used in record.get("use", {}).get("peak_gpu_memory_gb", {}).items():
        yield f"peak memory of {uuid}", f"{used:g} GB"
    yield "exit", ", ".join(f"{k} {v}" for k, v in record["exit"].items() if v not in {None, ""})
    facts = step_facts(record)
    hidden = [name for name in facts if name.startswith(("package.", "wheel."))]
    yield from ((name, show(facts[name])) for name in facts if name not in hidden)
    for name, one in record["outputs"].items():
        yield f"output {name}", f"{one['files']} files, {one['bytes']} bytes, {one['sha256']}"
    if record["error"]:
        yield "error", record["error"]


def comparison_document(found: Comparison) -> dict[str, Any]:
    """`record diff --json`."""
    first = suspect(found)
    return {
        "left": found.left,
        "right": found.right,
        "explanation": explanation(found),
        "suspect": first and first.fact,
        "diverging": found.diverging,
        "equal_scores": found.equal_scores,
        "scores": [
            {"name": label, "left": _scores(left), "right": _scores(right)}
            for label, (left, right) in found.scores.items()
        ],
        "unrecorded": list(found.unrecorded),
        "differences": [difference_row(one) for one in found.differences],
    }


def difference_row(one: Difference) -> dict[str, Any]:
    """One difference as JSON."""
    return {
        "name": one.fact,
        "kind": one.kind.title,
        "left": one.left,
        "right": one.right,
        "steps": list(one.steps),
    }


def rebuilt_document(found: Rebuilt) -> dict[str, Any]:
    """`record rebuild --json`."""
    return {
        "run": found.recorded.id,
        "rebuilt": found.again.id,
        "identical": found.identical,
        "steps": [{"name": name, "equal": same} for name, same in found.outputs.items()],
        "scores": [
            {"name": label, "recorded": _of(one), "rebuilt": _of(other)}
            for label, (one, other) in found.scores.items()
        ],
    }


def _of(scores: Scores | None) -> dict[str, float] | None:
    return _scores((scores.J, scores.F)) if scores else None


def _scores(pair: tuple[float, float] | None) -> dict[str, float] | None:
    """J and F; null where there are none."""
    return {"J": pair[0], "F": pair[1]} if pair else None
