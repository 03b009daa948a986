"""The memory in use on a step's GPUs, looked at while it runs."""

from threading import Event

import pytest

from harness.errors import NotReadyError
from harness.execution.gpu_memory import GpuMemoryPeak
from harness.gpus.nvml import Nvml


def test_the_most_that_was_seen_on_each_card(monkeypatch: pytest.MonkeyPatch) -> None:
    uses = {"GPU-1": iter([1.0, 7.5, 2.0]), "GPU-2": iter([3.0, 3.0, 3.25])}
    seen = Event()

    def used(_: Nvml, uuid: str) -> float:
        value = next(uses[uuid], None)
        if value is None:
            seen.set()
            raise NotReadyError("nothing more", hint="none")
        return value

    monkeypatch.setattr(Nvml, "used_gb", used)
    with GpuMemoryPeak(["GPU-1", "GPU-2"], pause=0) as memory:
        assert seen.wait(60)
    assert memory.gb == {"GPU-1": 7.5, "GPU-2": 3.25}


def test_a_step_that_ends_at_once_was_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nvml, "used_gb", lambda *_: 1.5)
    with GpuMemoryPeak(["GPU-1"], pause=3600) as memory:
        pass
    assert memory.gb == {"GPU-1": 1.5}


def test_nobody_is_asked_without_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> float:
        raise AssertionError

    monkeypatch.setattr(Nvml, "used_gb", refuse)
    with GpuMemoryPeak([]) as memory:
        pass
    assert memory.gb == {}
