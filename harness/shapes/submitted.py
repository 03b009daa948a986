"""How a submission is shown."""

from typing import Any

from harness.plan.plan import Plan
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
