"""What a rehearsed step's process measures, with a clock and a GPU of ours."""

import sys
from typing import Any

import pytest

from harness.site.hooks import measure


class Gpu:
    """A torch.cuda on which every event lies 2 s behind the one before."""

    def __init__(self) -> None:
        self.recorded, self.synchronised = 0, 0
        self.failing = False

    def is_initialized(self) -> bool:
        return True

    def Event(self, *, enable_timing: bool) -> "Event":
        assert enable_timing
        return Event(self)

    def device_count(self) -> int:
        return 2

    def max_memory_allocated(self, card: int) -> int:
        return (2 + card) * 2**30

    def max_memory_reserved(self, card: int) -> int:
        if self.failing:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return 4 * 2**30


class Event:
    def __init__(self, gpu: Gpu) -> None:
        self.gpu, self.at = gpu, 0

    def record(self) -> None:
        self.gpu.recorded += 1
        self.at = 2000 * self.gpu.recorded

    def synchronize(self) -> None:
        self.gpu.synchronised += 1

    def elapsed_time(self, end: "Event") -> float:
        return end.at - self.at


class Optimizer:
    """torch's, as far as the hook knows it."""

    def __init__(self, now: list[float]) -> None:
        self.now = now

    def step(self) -> str:
        self.now[0] += 3.0 if self.now[0] else 100.0  # the first step is slow
        return "stepped"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [0.0]
    monkeypatch.setattr(measure.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(measure, "_CLOCKS", [])
    monkeypatch.delitem(sys.modules, "torch.cuda", raising=False)
    return clock


@pytest.fixture
def gpu(now: list[float], monkeypatch: pytest.MonkeyPatch) -> Gpu:
    found = Gpu()
    monkeypatch.setitem(sys.modules, "torch.cuda", found)  # type: ignore[arg-type]
    return found


def optimizers() -> Any:
    """Fresh classes, timed."""
    base = type("Base", (Optimizer,), {})
    module = type("module", (), {"Optimizer": base})
    measure.follow_optimisers(module)
    return base, type("Poly", (base,), {})


def found() -> dict[str, Any]:
    process = measure.Process()
    process.peaks.look()
    return process.found()


def test_iterations_are_timed_after_the_slow_ones(now: list[float]) -> None:
    _, poly = optimizers()
    process = measure.Process()
    optimizer, other = poly(now), poly([1.0])
    assert [optimizer.step() for _ in range(9)] == ["stepped"] * 9
    other.step()
    said = process.found()
    assert (said["first_step"], said["steps"], said["warm"]) == (100.0, 9, True)
    assert said["last_step"] == 124.0
    assert said["step_seconds"] == 3.0
    assert "gpu_seconds" not in said


@pytest.mark.parametrize(("steps", "expected"), [(0, None), (1, None), (2, 3.0), (3, 3.0)])
def test_few_iterations_are_said_to_be_cold(
    now: list[float], steps: int, expected: float | None
) -> None:
    _, poly = optimizers()
    optimizer = poly(now)
    for _ in range(steps):
        optimizer.step()
    said = found()
    assert said.get("step_seconds") == expected
    assert said.get("warm") is (False if steps else None)


def test_a_step_of_the_base_class_is_not_counted_again(now: list[float]) -> None:
    base, _ = optimizers()

    def step(self: Any) -> Any:
        return base.step(self)

    optimizer = type("Derived", (base,), {"step": step})(now)
    base(now)  # so that the step of both classes is timed
    optimizer.step()
    assert found()["steps"] == 1


def test_a_failed_step_is_not_counted(now: list[float]) -> None:
    base, _ = optimizers()

    def fail(self: Any) -> None:
        raise ValueError("nan")

    optimizer = type("Failing", (base,), {"step": fail})(now)
    with pytest.raises(ValueError, match="nan"):
        optimizer.step()
    assert "steps" not in found()


def test_the_gpu_is_waited_for_at_the_end_only(now: list[float], gpu: Gpu) -> None:
    _, poly = optimizers()
    optimizer = poly(now)
    for _ in range(5):
        optimizer.step()
    assert gpu.synchronised == 0
    said = found()
    assert said["gpu_seconds"] == 2.0  # a mark per step
    assert (said["allocated_gb"], said["reserved_gb"]) == (3.0, 4.0)
    assert gpu.synchronised == 1


def test_an_error_of_cuda_stands_in_the_line(now: list[float], gpu: Gpu) -> None:
    gpu.failing = True
    said = found()
    assert said["error"].startswith("CUDA error")
    assert "reserved_gb" not in said
    assert said["open_files"] > 0
