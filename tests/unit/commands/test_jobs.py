"""The jobs of steps: the queue is asked only if there are any, and only about these."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.commands import jobs as verbs
from harness.commands.inspect import State, states_of
from harness.errors import NotReadyError
from harness.layout import RunLayout
from harness.plan.needs import Todo
from harness.slurm.client import Job
from harness.slurm.jobs import JobState, SubmittedJob, note_job, read_job
from harness.store.ends import read_end, write_end
from harness.store.store import Store

WAITS, RUNS, OVER, LOST = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


class Queue:
    """What squeue lists; remembers what was cancelled."""

    def __init__(self, **states: str) -> None:
        self.jobs = [
            Job(id=name.removeprefix("job"), state=state, reason="", node="", name="", comment="")
            for name, state in states.items()
        ]
        self.cancelled: list[str] = []

    def queue(self) -> list[Job]:
        return self.jobs

    def cancel(self, ids: list[str]) -> None:
        self.cancelled += ids


@pytest.fixture
def context(tmp_path: Path) -> Any:
    store = Store(RunLayout(tmp_path))
    return SimpleNamespace(store=store, layout=store.layout)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch, context: Any) -> Queue:
    """Jobs 1 (waits) and 2 (runs); 3 ended with an end, 4 without."""
    found = Queue(job1="PENDING", job2="RUNNING")
    monkeypatch.setattr(verbs, "slurm_here", lambda: found)
    for number, key in enumerate((WAITS, RUNS, OVER, LOST), start=1):
        output = context.layout.slurm("p").output(str(number))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.touch()
        note_job(context.layout, key, SubmittedJob(id=str(number), plan="p", output=str(output)))
    write_end(context.layout, "p", OVER, {"status": "failed"})
    return found


def test_without_jobs_nobody_is_asked(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "slurm_here", None)
    assert verbs.job_states(context, [WAITS]) == {}
    assert verbs.cancel_jobs(context, [WAITS]) == frozenset()
    assert verbs.submitted_plans(context) == frozenset()


@pytest.mark.usefixtures("queue")
def test_where_the_jobs_of_steps_stand(context: Any) -> None:
    found = verbs.job_states(context, [WAITS, RUNS, OVER, LOST, "e" * 64])
    assert found == {WAITS: JobState.WAITS, RUNS: JobState.RUNS, LOST: JobState.LOST}


@pytest.mark.usefixtures("queue")
def test_status_shows_them(context: Any) -> None:
    keys = (WAITS, RUNS, LOST, "e" * 64)
    found = states_of(context, keys, Todo(frozenset(keys), {}))
    assert list(found.values()) == [State.QUEUED, State.RUNNING, State.FAILED, State.TODO]


@pytest.mark.usefixtures("queue")
def test_a_step_that_is_done_needs_no_job(context: Any) -> None:
    assert states_of(context, [LOST], Todo(frozenset(), {})) == {LOST: State.DONE}


def test_a_job_that_never_started_is_not_lost(context: Any, queue: Queue) -> None:
    del queue
    context.layout.slurm("p").output("4").unlink()
    assert LOST not in verbs.job_states(context, [LOST])


def test_where_nobody_knows_the_queue_files_alone_speak(
    context: Any, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> list[Job]:
        raise NotReadyError("squeue is not installed", hint="")

    monkeypatch.setattr(queue, "queue", silent)
    assert verbs.job_states(context, [WAITS, LOST]) == {}
    assert verbs.submitted_plans(context) == {"p"}  # gc takes nothing of them


def test_cancelling_ends_jobs_that_wait_or_run(context: Any, queue: Queue) -> None:
    assert verbs.cancel_jobs(context, [WAITS, RUNS, OVER, LOST]) == {WAITS, RUNS}
    assert queue.cancelled == ["1", "2"]
    end = read_end(context.layout, "p", WAITS)
    assert end is not None
    assert end["status"] == "interrupted"
    assert read_end(context.layout, "p", LOST) is None


@pytest.mark.usefixtures("queue")
def test_steps_of_a_cancelled_run_that_had_no_job_yet_get_none(context: Any) -> None:
    verbs.hold_back(context, "p", ["e" * 64, WAITS])
    noted = read_job(context.layout, "e" * 64)
    assert noted is not None
    assert noted.plan == "p"
    assert verbs.job_states(context, ["e" * 64]) == {}
    kept = read_job(context.layout, WAITS)
    assert kept is not None
    assert kept.id == "1"
    verbs.hold_back(context, "never submitted", ["f" * 64])
    assert read_job(context.layout, "f" * 64) is None


@pytest.mark.usefixtures("queue")
def test_a_plan_with_jobs_in_the_queue_is_being_executed(context: Any) -> None:
    assert verbs.submitted_plans(context) == {"p"}
