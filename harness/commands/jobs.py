"""The jobs of steps on a cluster: noted in files; the batch system is asked only about these."""

import logging
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from harness.commands.context import Context
from harness.errors import Interrupted, NotReadyError
from harness.execution.outcome import Outcome, Status
from harness.layout import RunLayout
from harness.plan import keys
from harness.slurm.client import Job, slurm_here
from harness.slurm.jobs import JobState, SubmittedJob, note_job, read_job
from harness.store.ends import read_end, write_end

_NONE = "none"
_logger = logging.getLogger(__name__)


def job_states(context: Context, open_: Collection[str]) -> Mapping[str, JobState]:
    """Where the jobs of steps stand that are not done; empty without any, or if nobody knows."""
    noted = _noted(context.layout, open_)
    if not noted:
        return {}
    try:
        queue = {job.id: job for job in slurm_here().queue()}
    except NotReadyError as error:
        _warn(str(error))
        return {}
    found = {key: _state(context.layout, key, job, queue) for key, job in noted.items()}
    return {key: state for key, state in found.items() if state is not None}


def cancel_jobs(context: Context, open_: Collection[str]) -> frozenset[str]:
    """Cancel the jobs of steps that wait or run: whose. Raises NotReadyError."""
    noted = _noted(context.layout, open_)
    if not noted:
        return frozenset()
    slurm = slurm_here()
    there = {job.id for job in slurm.queue()}
    alive = {key: job for key, job in noted.items() if job.id in there}
    cancelled = Outcome(
        status=Status.INTERRUPTED,
        error="its job was cancelled",
        exit_code=Interrupted.exit_code,
    )
    for key, job in alive.items():  # one that runs writes this anew, with what it knows
        write_end(context.layout, job.plan, key, keys.plain(cancelled))
    slurm.cancel([job.id for job in alive.values()])
    return frozenset(alive)


def hold_back(context: Context, plan: str, open_: Collection[str]) -> None:
    """Note of steps without a job that they are not to get one: a cancelled run stays so."""
    folder = context.layout.slurm(plan).root
    for key in open_ if folder.exists() else ():
        if read_job(context.layout, key) is None:
            note_job(context.layout, key, SubmittedJob(id=_NONE, plan=plan, output=_NONE))


def submitted_plans(context: Context) -> frozenset[str]:
    """The plans that have jobs in the queue; all that ever had jobs, if nobody knows the queue."""
    noted = _noted(context.layout, [path.stem for path in context.layout.slurm_jobs.glob("*.json")])
    if not noted:
        return frozenset()
    try:
        there = {job.id for job in slurm_here().queue()}
    except NotReadyError as error:
        _warn(str(error))
        return frozenset(job.plan for job in noted.values())
    return frozenset(job.plan for job in noted.values() if job.id in there)


def _noted(layout: RunLayout, open_: Collection[str]) -> dict[str, SubmittedJob]:
    """The noted jobs of these steps, by key."""
    known = {path.stem for path in layout.slurm_jobs.glob("*.json")}
    found = {key: read_job(layout, key) for key in open_ if key in known}
    return {key: job for key, job in found.items() if job is not None}


def _state(
    layout: RunLayout, key: str, noted: SubmittedJob, queue: Mapping[str, Job]
) -> JobState | None:
    job = queue.get(noted.id)
    if job is not None:
        return JobState.WAITS if job.waits else JobState.RUNS
    started = noted.id != _NONE and Path(noted.output).exists()
    return JobState.LOST if started and read_end(layout, noted.plan, key) is None else None


@cache
def _warn(text: str) -> None:
    """Say it once in a process."""
    _logger.warning("jobs of a cluster are not asked about: %s", text)
