"""Submit the steps of a plan that are to do, parents first, as many as the site's cap allows."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from harness.files import locked, write_text
from harness.layout import RunLayout
from harness.plan.plan import BoundStep, Plan
from harness.slurm.client import Job, QueueFull, Slurm
from harness.slurm.jobs import (
    SubmittedJob,
    forget_job,
    living,
    next_files,
    note_job,
    own_jobs,
    read_job,
    script_path,
    step_files,
)
from harness.slurm.profile import Profile
from harness.slurm.script import Call, JobFiles, next_script, step_script
from harness.store.ends import forget_end

_HALF = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster, and how its site wants it to be used."""

    slurm: Slurm
    profile: Profile
    call: Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a submission did."""

    jobs: dict[str, str] = field(default_factory=dict)  # of steps submitted now, by key
    waiting: dict[str, str] = field(default_factory=dict)  # of steps whose jobs were there before
    later: tuple[str, ...] = ()  # steps that a job submits once there is room
    stopped: tuple[str, ...] = ()  # steps that nobody tries: they, or what they read, ended badly


def submit(
    layout: RunLayout,
    plan: Plan,
    cluster: Cluster,
    find_open: Callable[[], Collection[str]],
    *,
    again: bool,
) -> Submission:
    """Submit what is to do. A call that was killed is taken up: jobs in the queue stay as they are.

    `find_open` says what is not done; it is asked once the queue was read, so that what ended in
    between is done by then. With `again` steps are tried that had a job for this plan and ended
    badly. Raises UsageError for what Slurm refuses, NotReadyError if it does not answer.
    """
    with locked(layout.slurm_lock):
        queue = [job for job in cluster.slurm.queue() if not job.ends]
        wave = _Wave(layout, plan, cluster, queue, frozenset(find_open()))
        return wave.submit(again=again)


@dataclass(slots=True)
class _Wave:
    layout: RunLayout
    plan: Plan
    cluster: Cluster
    queue: list[Job]
    open: frozenset[str]
    jobs: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    later: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def submit(self, *, again: bool) -> Submission:
        there = living(self.layout, self.queue, self.plan.steps)
        self.waiting = {key: job.id for key, job in there.items() if key in self.open}
        for key, job in self.waiting.items():
            if read_job(self.layout, key) is None:  # whoever submitted it was killed before
                self._note(self.plan.steps[key], job)
        todo = [
            step
            for key, step in self.plan.steps.items()
            if key in self.open and key not in self.waiting
        ]
        for step in todo if again else ():
            forget_job(self.layout, step.key)
        for step in todo:
            self._place(step)
        if self.later:
            self._chain()
        return Submission(
            jobs=self.jobs,
            waiting=self.waiting,
            later=tuple(self.later),
            stopped=tuple(self.stopped),
        )

    def _place(self, step: BoundStep) -> None:
        """Submit a step, or leave it for later or for good."""
        parents = [key for key in step.parents if key in self.open]
        if self._was_tried(step) or any(key in self.stopped for key in parents):
            self.stopped.append(step.key)
        elif any(key in self.later for key in parents) or not self._has_room():
            self.later.append(step.key)
        else:
            try:
                self._submit(step, [self._job(key) for key in parents])
            except QueueFull:
                if not (self.jobs or self.waiting):
                    raise
                self.later.append(step.key)

    def _was_tried(self, step: BoundStep) -> bool:
        """Whether it had a job for this plan, which is over although the step is not done."""
        noted = read_job(self.layout, step.key)
        return noted is not None and noted.plan == self.plan.id

    def _has_room(self) -> bool:
        """Whether one more fits, beside the job that submits what is left, and this one if any."""
        there = len(own_jobs(self.layout, self.queue)) + len(self.jobs)
        itself = 0 if self.cluster.slurm.itself is None else 1
        return there + itself < self.cluster.profile.max_jobs - 1

    def _job(self, key: str) -> str:
        return self.jobs.get(key) or self.waiting[key]

    def _submit(self, step: BoundStep, after: list[str]) -> None:
        files = step_files(self.layout, self.plan.id, step)
        text = step_script(
            step,
            self.plan.id,
            files,
            self.cluster.profile,
            self.cluster.call,
            runtime=self.plan.runtime,
            after=after,
        )
        forget_end(self.layout, self.plan.id, step.key)
        self.jobs[step.key] = job = self._handed(files, text)
        self._note(step, job)

    def _note(self, step: BoundStep, job: str) -> None:
        files = step_files(self.layout, self.plan.id, step)
        noted = SubmittedJob(id=job, plan=self.plan.id, output=str(files.output))
        note_job(self.layout, step.key, noted)

    def _chain(self) -> None:
        """Let a job submit what is left, once half of the jobs that are there have ended.

        By then there is room, and the rest keeps the cluster busy meanwhile.
        """
        files = next_files(self.layout, self.plan.id)
        if files.name in own_jobs(self.layout, self.queue):
            return
        own = own_jobs(self.layout, self.queue).values()
        there = [*(job.id for job in own), *self.jobs.values()]
        half = there[: max(1, len(there) // _HALF)]
        cluster = self.cluster
        text = next_script(self.plan.id, files, cluster.profile, cluster.call, after=half)
        self._handed(files, text)

    def _handed(self, files: JobFiles, text: str) -> str:
        script = script_path(files)
        write_text(script, text)

        def is_it(job: Job) -> bool:
            return (job.name, job.comment) == (files.name, files.comment)

        return self.cluster.slurm.submit(script, is_it)
