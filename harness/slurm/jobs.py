"""Which job a step has: noted in a file, known in the queue by its name and its `runs/`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from harness.files import DamagedFile, read_sealed, write_sealed
from harness.layout import RunLayout
from harness.plan.plan import BoundStep
from harness.slurm.client import Job
from harness.slurm.script import JobFiles

_KEY_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedJob:
    """A step's newest job."""

    id: str
    plan: str
    output: str  # the file that it prints into


class JobState(StrEnum):
    """Where the newest job of a step stands that is not done."""

    WAITS = "waits"
    RUNS = "runs"
    LOST = "lost"  # it started, and ended without having written down how


def note_job(layout: RunLayout, key: str, job: SubmittedJob) -> None:
    """Write down a step's newest job."""
    write_sealed(layout.slurm_job(key), asdict(job))


def read_job(layout: RunLayout, key: str) -> SubmittedJob | None:
    """A step's newest job; None if it never had one, or if the file is damaged."""
    try:
        found = read_sealed(layout.slurm_job(key))
        return SubmittedJob(**found) if found else None
    except (DamagedFile, TypeError):
        return None


def forget_job(layout: RunLayout, key: str) -> None:
    """Remove what is noted of an earlier job."""
    layout.slurm_job(key).unlink(missing_ok=True)


def step_files(layout: RunLayout, plan: str, step: BoundStep) -> JobFiles:
    """The names of a step's job."""
    name = f"{step.stage}-{step.name}-{step.key[:_KEY_DIGITS]}"
    return _files(layout, plan, name, f"harness-{step.name}-{step.key[:_KEY_DIGITS]}")


def next_files(layout: RunLayout, plan: str) -> JobFiles:
    """The names of the job that submits what is left of a plan."""
    return _files(layout, plan, "next", f"harness-next-{plan}")


def _files(layout: RunLayout, plan: str, file: str, name: str) -> JobFiles:
    folder = layout.slurm(plan)
    return JobFiles(
        name=name,
        comment=str(layout.root),
        script=folder.script(file),
        output=folder.output(file),
    )


def own_jobs(layout: RunLayout, queue: Iterable[Job]) -> dict[str, Job]:
    """The jobs in the queue that work in this `runs/`, by name."""
    return {job.name: job for job in queue if job.comment == str(layout.root)}


def living(
    layout: RunLayout, queue: Iterable[Job], steps: Mapping[str, BoundStep]
) -> dict[str, Job]:
    """The jobs in the queue of these steps, by key."""
    own = own_jobs(layout, queue)
    named = {key: step_files(layout, "", step).name for key, step in steps.items()}
    return {key: own[name] for key, name in named.items() if name in own}


def script_path(files: JobFiles) -> Path:
    """The script, its folder made."""
    files.script.parent.mkdir(parents=True, exist_ok=True)
    return files.script
