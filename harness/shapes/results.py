"""How the ends of steps and runs are shown, by `reproduce` and `rehearse`."""

from collections import Counter
from typing import Any

from harness.commands.rehearse import RehearsedStep
from harness.commands.reproduce import Result
from harness.execution.runner import Outcome, Status
from harness.plan.plan import BoundStep


def result_document(result: Result) -> dict[str, Any]:
    """`reproduce --json`."""
    runs = []
    for one in result.runs:
        run = one.planned.run
        steps = one.planned.steps.values()
        runs.append(
            {
                "name": run.id,
                "method": run.method,
                "backbone": run.backbone,
                "losses": run.losses.value,
                "seed": run.seed,
                "scale": run.scale.value,
                "stack": run.stack,
                "runtime": run.runtime.value,
                "options": dict(run.options),
                "status": one.status,
                "scores": one.scores.get("final", {}),
                "stage_scores": {k: v for k, v in one.scores.items() if k != "final"},
                "steps": [step_row(result.plan.steps[key], result.outcomes[key]) for key in steps],
            }
        )
    return {"plan": result.plan.id, "totals": _totals(result), "runs": runs}


def _totals(result: Result) -> dict[str, int]:
    """How many runs and distinct steps there are, and how the steps ended."""
    ends = Counter(one.status for one in result.outcomes.values())
    return {
        "runs": len(result.runs),
        "steps": len(result.plan.steps),
        "done": ends[Status.DONE] + ends[Status.CACHED],
        "failed": ends[Status.FAILED],
        "blocked": ends[Status.BLOCKED],
        "interrupted": ends[Status.INTERRUPTED],
    }


def step_row(step: BoundStep, outcome: Outcome) -> dict[str, Any]:
    """One step as `reproduce --json` prints it and as run records hold it."""
    return {
        "name": step.name,
        "stage": step.stage,
        "repo": step.repo,
        "status": "done" if outcome.status is Status.CACHED else outcome.status.value,
        "cached": outcome.status is Status.CACHED,
        "seconds": outcome.seconds,
        "key": step.key,
        "error": outcome.error,
        "remade": list(outcome.remade),
    }


def rehearsed_row(one: RehearsedStep) -> dict[str, Any]:
    """One step as `rehearse --json` prints it."""
    return {
        "method": one.step.method,
        **step_row(one.step, one.outcome),
        "seconds": one.seconds,
        "peak_memory_gb": one.peak_memory_gb,
        "peak_gpu_memory_gb": one.peak_gpu_memory_gb,
        "disk_gb": one.disk_gb,
    }


def rehearsed_cells(one: RehearsedStep) -> tuple[str, ...]:
    """One step as `rehearse` prints it for people."""
    numbers = (one.seconds, one.peak_memory_gb, one.peak_gpu_memory_gb, one.disk_gb)
    patterns = ("{:.0f}", "{:.1f} GB", "{:.1f} GB", "{:.3f} GB")
    cells = ("" if n is None else p.format(n) for n, p in zip(numbers, patterns, strict=True))
    ended = one.outcome.error or one.outcome.status.value
    return (one.step.method, one.step.name, *cells, ended)


def score_groups(result: Result) -> list[tuple[tuple[str, ...], dict[str, list[float]]]]:
    """J, F, J&F per method, backbone, losses and scored stage; one number a seed."""
    groups: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for one in result.runs:
        run = one.planned.run
        for label, scores in one.scores.items():
            name = (run.method, run.backbone, run.losses.value, label)
            group = groups.setdefault(name, {"J": [], "F": [], "JF": []})
            for metric, number in scores.items():
                group[metric].append(number)
    # By stage first, so that the four losses of one stage can be compared at a glance.
    labels = list(dict.fromkeys(name[3] for name in groups))
    return sorted(groups.items(), key=lambda item: (*item[0][:2], labels.index(item[0][3])))
