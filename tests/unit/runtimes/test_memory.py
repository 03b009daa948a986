"""The peak of resident memory, looked at from outside."""

import os

import pytest

from harness.runtimes import memory
from harness.runtimes.memory import MemoryPeak

_MB = 2**20


def test_the_peak_stays_when_memory_is_given_back() -> None:
    peak = MemoryPeak()
    assert peak.gb is None
    held = bytearray(os.urandom(1)) * (64 * _MB)  # written, so resident
    peak.look(os.getpid())
    high = peak.gb
    assert high is not None
    assert high >= 64 / 1024
    del held
    peak.look(os.getpid())
    assert peak.gb == high


def test_a_process_that_is_gone_changes_nothing() -> None:
    peak = MemoryPeak()
    peak.look(2**22 + 1)  # above the kernel's highest number
    assert peak.gb is None


def test_processes_below_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "/proc/1/statm": "9 1000 0",
        "/proc/2/statm": "9 500 0",
        "/proc/3/statm": "9 24 0",
        "/proc/1/task/1/children": "2 ",
        "/proc/2/task/2/children": "3 ",
    }
    monkeypatch.setattr(memory, "_read", lambda file: files.get(str(file), ""))
    monkeypatch.setattr(memory, "_listed", lambda folder: [folder / folder.parent.name])
    peak = MemoryPeak()
    peak.look(1)
    assert peak.gb == round(1524 * memory._PAGE / 2**30, 4)


def test_a_number_that_is_not_the_containers_here_is_not_measured() -> None:
    """An engine elsewhere gives numbers of its own machine."""
    peak = MemoryPeak()
    peak.look_inside(os.getpid(), "f" * 64)
    peak.look_inside(0, "")
    assert peak.gb is None
