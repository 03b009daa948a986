"""How a submission, and one step that a scheduler executed, are shown."""

from typing import Any

from harness.commands.exec_step import StepResult
from harness.plan.plan import Plan
from harness.shapes.results import step_row
from harness.slurm.submit import Submission


def submitted_document(plan: Plan, done: Submission) -> dict[str, Any]:
    """Every step that has a job, is to get one, or gets none because another failed."""
    jobs = {**done.waiting, **done.jobs}
    states = {
        **dict.fromkeys(done.waiting, "waiting"),
        **dict.fromkeys(done.jobs, "submitted"),
        **dict.fromkeys(done.later, "later"),
        **dict.fromkeys(done.stopped, "stopped"),
    }
    steps = [
        {"name": step.name, "key": key, "job": jobs.get(key), "state": states[key]}
        for key, step in plan.steps.items()
        if key in states
    ]
    return {"plan": plan.id, "steps": steps}


def executed_document(result: StepResult) -> dict[str, Any]:
    """`exec-step --json`."""
    outcome = result.outcome
    ended = {"hint": outcome.hint, "exit_code": outcome.exit_code}
    return {"plan": result.plan.id, "steps": [{**step_row(result.step, outcome), **ended}]}
