"""Who sent SIGKILL: the kernel counts those that it sent for want of memory."""

from pathlib import Path

import pytest

from harness.runtimes import memory, process
from harness.runtimes.memory import oom_kills
from harness.runtimes.runtime import Cause, Exit

KILLED = Exit(cause=Cause.SIGNAL, code=137, signal="SIGKILL")


@pytest.mark.parametrize(
    ("text", "count"),
    [("nr_free_pages 5\noom_kill 7\n", 7), ("nr_free_pages 5\n", None), ("", None)],
)
def test_the_kernels_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, count: int | None
) -> None:
    file = tmp_path / "vmstat"
    file.write_text(text)
    monkeypatch.setattr(memory, "_VMSTAT", file)
    assert oom_kills() == count
    file.unlink()
    assert oom_kills() is None


@pytest.mark.parametrize(
    ("before", "after", "cause", "detail"),
    [
        (7, 8, Cause.OOM, "the kernel ended a process for want of memory"),
        (7, 7, Cause.SIGNAL, "not by the kernel for want of memory"),
        (None, 7, Cause.SIGNAL, "perhaps for want of memory"),
        (7, None, Cause.SIGNAL, "perhaps for want of memory"),
    ],
)
def test_a_killed_step_is_explained(
    monkeypatch: pytest.MonkeyPatch,
    before: int | None,
    after: int | None,
    cause: Cause,
    detail: str,
) -> None:
    monkeypatch.setattr(process, "oom_kills", lambda: after)
    found = process._explained(KILLED, before)
    assert (found.cause, found.signal, found.detail) == (cause, "SIGKILL", detail)


def test_other_ends_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "oom_kills", lambda: 8)
    for exit_ in (Exit(cause=Cause.DONE, code=0), Exit(cause=Cause.SIGNAL, signal="SIGTERM")):
        assert process._explained(exit_, 7) is exit_
