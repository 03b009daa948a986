"""The door to Slurm: what its commands print, and a controller that is busy."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import NotReadyError, UsageError
from harness.slurm.client import Job, QueueFull, Slurm

BUSY = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
ROW = "7|PENDING|Dependency||harness-a-1|/shared/my runs|x\n"
Answer = tuple[int, str, str]  # exit code, stdout, stderr


class Played:
    """Answers in turn, by program; remembers what was called and how long was waited."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[Answer]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, ...]] = []
        self.pauses: list[float] = []
        monkeypatch.setattr(Slurm, "_once", staticmethod(self._answer))

    def _answer(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        self.calls.append(argv)
        code, out, err = self.answers[argv[0]].pop(0)
        return subprocess.CompletedProcess(argv, code, out, err)

    def slurm(self, itself: str | None = None) -> Slurm:
        return Slurm(itself=itself, tries=3, pause=1.0, sleep=self.pauses.append)


def named(name: str) -> Callable[[Job], bool]:
    return lambda job: job.name == name


def test_a_job_is_known_by_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, sbatch=[(0, "12;cluster\n", "")])
    assert played.slurm().submit(Path("/a.sh"), named("a")) == "12"
    assert played.calls == [("sbatch", "--parsable", "/a.sh")]


def test_a_busy_controller_is_asked_again_after_ever_longer_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = Played(
        monkeypatch,
        sbatch=[(1, "", BUSY), (1, "", "Unable to contact slurm controller"), (0, "12\n", "")],
        squeue=[(0, "", ""), (0, "", "")],
    )
    assert played.slurm().submit(Path("/a.sh"), named("a")) == "12"
    assert played.pauses == [1.0, 2.0]


def test_a_job_that_was_taken_before_the_time_out_is_not_submitted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = Played(monkeypatch, sbatch=[(1, "", BUSY)], squeue=[(0, ROW, "")])
    assert played.slurm().submit(Path("/a.sh"), named("harness-a-1")) == "7"
    assert [call[0] for call in played.calls] == ["sbatch", "squeue"]


def test_a_controller_that_never_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, squeue=[(1, "", "slurm_load_jobs error: Connection refused")] * 3)
    with pytest.raises(NotReadyError, match="did not answer 3 times"):
        played.slurm().queue()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("error: invalid partition specified: gpuu", UsageError),
        ("error: QOSMaxSubmitJobPerUserLimit", QueueFull),
        ("error: AssocMaxSubmitJobLimit", QueueFull),
    ],
)
def test_what_sbatch_refuses_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, text: str, error: type[Exception]
) -> None:
    played = Played(monkeypatch, sbatch=[(1, "", text)])
    with pytest.raises(error, match=text.removeprefix("error: ")):
        played.slurm().submit(Path("/a.sh"), named("a"))
    assert played.pauses == []


def test_the_queue_without_the_job_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, squeue=[(0, ROW + ROW.replace("7|PENDING", "8|RUNNING"), "")])
    assert played.slurm(itself="8").queue() == [
        Job(
            id="7",
            state="PENDING",
            reason="Dependency",
            node="",
            name="harness-a-1",
            comment="/shared/my runs|x",
        )
    ]


def test_a_comment_of_several_lines_hides_no_other_job(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = "6|RUNNING|None|n1|mine|first line\nsecond line\n\na|b|c\n"
    played = Played(monkeypatch, squeue=[(0, theirs + ROW, "")])
    assert [one.id for one in played.slurm().queue()] == ["6", "7"]


def test_jobs_that_ended_meanwhile_are_cancelled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = "scancel: error: Kill job error on job id 9: Invalid job id specified"
    played = Played(monkeypatch, scancel=[(1, "", gone)])
    played.slurm().cancel(["9"])
    played.slurm().cancel([])
    assert played.calls == [("scancel", "9")]


def test_a_host_without_slurm_says_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(NotReadyError, match="squeue is not installed") as caught:
        Slurm().queue()
    assert "login node" in caught.value.hint
