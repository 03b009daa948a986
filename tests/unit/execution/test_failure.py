"""What is said of a failed step: written and read by the same rules."""

from pathlib import Path

import pytest

from harness.execution.failure import Failure, ending_text
from harness.runtimes.runtime import Cause, Exit

KILLED = Exit(cause=Cause.SIGNAL, code=137, signal="SIGKILL")


@pytest.mark.parametrize(
    "failure",
    [
        Failure(reason="why"),
        Failure(reason="why", lines=("a", "", "b")),
        Failure(reason="why", log=Path("/runs/output.log"), kept=Path("/runs")),
        Failure(reason="why", lines=("log: x", "kept: y"), log=Path("/log"), kept=Path("/kept")),
    ],
)
def test_what_was_written_is_read(failure: Failure) -> None:
    assert Failure.read(failure.text) == failure


def test_any_other_text_is_a_reason_too() -> None:
    assert Failure.read("no GPU\nno disk") == Failure(reason="no GPU", lines=("no disk",))
    assert Failure.read("") == Failure(reason="")


@pytest.mark.parametrize(
    ("exit_", "limit", "text"),
    [
        (Exit(cause=Cause.STEP, code=3), 2.0, "exit code 3"),
        (Exit(cause=Cause.SIGNAL, signal="SIGSEGV"), None, "killed by SIGSEGV"),
        (
            KILLED,
            None,
            (
                "killed by SIGKILL, perhaps for want of memory; "
                "it used an unknown part of this machine's 15.6 GB"
            ),
        ),
        (
            Exit(cause=Cause.SIGNAL, signal="SIGKILL", detail="by X", peak_memory_gb=1.234),
            None,
            "killed by SIGKILL, by X; it used 1.2 GB of this machine's 15.6 GB",
        ),
        (
            Exit(cause=Cause.OOM, code=137, peak_memory_gb=1.97),
            2.0,
            "out of memory: it used 2 GB of its 2 GB",
        ),
        (Exit(cause=Cause.TIMEOUT), 2.0, "ran past its limit of 12 hours"),
        (
            Exit(cause=Cause.INFRASTRUCTURE, detail="a GPU was lost"),
            2.0,
            "infrastructure fault: a GPU was lost",
        ),
    ],
)
def test_endings_in_words(exit_: Exit, limit: float | None, text: str) -> None:
    assert ending_text(exit_, limit_gb=limit, machine_gb=15.62, hours=12) == text
