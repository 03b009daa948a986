"""The door to Slurm: sbatch, squeue and scancel, tried again while the controller is busy."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import NotReadyError, UsageError

#: What the commands print while the controller is busy, restarting or fenced by its own limits.
_BUSY = re.compile(
    r"Socket timed out|Unable to contact slurm controller|Connection (refused|timed out)"
    r"|Resource temporarily unavailable|temporarily unable to accept job|Zero Bytes were"
    r"|Transport endpoint is not connected|connection failure|Slurm backup controller",
    re.IGNORECASE,
)
#: What sbatch prints where a site's cap on jobs is met.
_FULL = re.compile(
    r"SubmitJobLimit|SubmitJobPerUserLimit|job submit limit|MaxJobCount", re.IGNORECASE
)
_FORMAT = "%i|%T|%r|%N|%j|%k"
_GONE = "Invalid job id"


class QueueFull(NotReadyError):  # noqa: N818 - a state, not an error
    """The site takes no further job for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that squeue lists: it waits, runs, or is about to end."""

    id: str
    state: str
    reason: str
    node: str
    name: str
    comment: str

    @property
    def waits(self) -> bool:
        """Whether it has not started, or is to start again."""
        return self.state in {"PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"}

    @property
    def ends(self) -> bool:
        """Whether its script is over."""
        return self.state == "COMPLETING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slurm:
    """The cluster's commands, as the caller's user."""

    itself: str | None = None  # the job that this process runs in: it is never listed
    tries: int = 6
    pause: float = 2.0  # seconds; doubled each time
    sleep: Callable[[float], None] = time.sleep

    def submit(self, script: Path, job: Callable[[Job], bool]) -> str:
        """Submit a script; the job's id. `job` knows the script's own job in the queue.

        A controller that does not answer may have taken the job: it is looked for before the next
        try. Raises QueueFull, UsageError for what it refuses, NotReadyError if it never answers.
        """
        for attempt in range(self.tries):
            done = self._once("sbatch", "--parsable", str(script))
            if done.returncode == 0:
                return done.stdout.strip().split(";")[0]
            if _FULL.search(done.stderr):
                raise QueueFull(
                    f"sbatch takes no further job: {done.stderr.strip()}",
                    hint="set `max_jobs` of the profile below the site's cap",
                )
            if not _BUSY.search(done.stderr):
                raise UsageError(
                    f"sbatch refuses {script}: {done.stderr.strip()}",
                    hint="correct the profile: partition, account, GPUs, time",
                )
            self.sleep(self.pause * 2**attempt)
            taken = [one for one in self.queue() if job(one)]
            if taken:
                return taken[0].id
        raise _silent("sbatch", self.tries)

    def queue(self) -> list[Job]:
        """The caller's jobs. Raises NotReadyError if the controller does not answer."""
        done = self._answered(
            "squeue", "--noheader", f"--user={os.getuid()}", f"--format={_FORMAT}"
        )
        rows = (line.split("|", 5) for line in done.splitlines() if line.strip())
        names = ("id", "state", "reason", "node", "name", "comment")
        # A comment of somebody's job may have a line end: what follows it is no row.
        jobs = (Job(**dict(zip(names, row, strict=True))) for row in rows if len(row) == len(names))
        return [job for job in jobs if job.id != self.itself]

    def cancel(self, ids: Sequence[str]) -> None:
        """Cancel jobs; those that ended meanwhile are passed over. Raises NotReadyError."""
        if ids:
            self._answered("scancel", *ids, accepts=(_GONE,))

    def _answered(self, *argv: str, accepts: Iterable[str] = ()) -> str:
        for attempt in range(self.tries):
            done = self._once(*argv)
            if done.returncode == 0 or any(text in done.stderr for text in accepts):
                return done.stdout
            if not _BUSY.search(done.stderr):
                raise NotReadyError(
                    f"{argv[0]} fails: {done.stderr.strip()}",
                    hint="see whether `sinfo` works on this host",
                )
            self.sleep(self.pause * 2**attempt)
        raise _silent(argv[0], self.tries)

    @staticmethod
    def _once(*argv: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(argv, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise NotReadyError(
                f"{argv[0]} is not installed on this host",
                hint="call harness on a login node of the Slurm cluster",
            ) from error


def slurm_here() -> Slurm:
    """The cluster of this host; a process within a job does not list its own job."""
    return Slurm(itself=os.environ.get("SLURM_JOB_ID"))


def _silent(program: str, tries: int) -> NotReadyError:
    return NotReadyError(
        f"{program}: the controller of Slurm did not answer {tries} times",
        hint="see whether `sinfo` answers; the same command goes on from there",
    )
