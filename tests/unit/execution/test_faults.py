"""Whose fault an end was, and how often it is worth another try."""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from harness.errors import DiskFull, EngineGone
from harness.execution import faults
from harness.execution.faults import (
    Fault,
    Retries,
    disk_is_full,
    fault_of,
    find_cause,
    storage_fault,
)
from harness.execution.runner import Ready, Status, StepRunner
from harness.execution.stopping import StepStop
from harness.manifest.model import Losses
from harness.runtimes.runtime import Cause, Exit, Survivor
from harness.store.store import Store
from tests import toy
from tests.fakes import ENVIRONMENT, FakeRuntime
from tests.unit.execution.test_runner import GOOD, Act, Bench, statuses, write

KILLED = Exit(cause=Cause.SIGNAL, code=137, signal="SIGKILL")
STARVED = Exit(cause=Cause.OOM, code=137)
FAILED = Exit(cause=Cause.STEP, code=1)
GONE = Exit(cause=Cause.INFRASTRUCTURE, detail="the engine stopped answering", lost=True)


@pytest.mark.parametrize(
    ("exit_", "fault"),
    [
        (Exit(cause=Cause.DONE, code=0), None),
        (Exit(cause=Cause.INTERRUPTED), None),
        (FAILED, Fault.STEP),
        (Exit(cause=Cause.TIMEOUT), Fault.STEP),
        (Exit(cause=Cause.SIGNAL, signal="SIGSEGV"), Fault.STEP),
        (KILLED, Fault.INFRASTRUCTURE),
        (Exit(cause=Cause.SIGNAL, signal="SIGTERM"), Fault.INFRASTRUCTURE),
        (STARVED, Fault.INFRASTRUCTURE),
        (GONE, Fault.INFRASTRUCTURE),
    ],
)
def test_whose_fault(exit_: Exit, fault: Fault | None) -> None:
    assert fault_of(exit_) is fault


@pytest.mark.parametrize(
    "words",
    [
        "Failed to initialize NVML: Unknown Error",
        "RuntimeError: CUDA error: no CUDA-capable device is detected",
        "RuntimeError: CUDA error: all CUDA-capable devices are busy or unavailable",
        "RuntimeError: CUDA error: CUDA-capable device(s) is/are busy or unavailable",
        "RuntimeError: CUDA error: uncorrectable ECC error encountered",
        "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.",
    ],
)
def test_a_lost_gpu_is_no_failure_of_a_step_that_had_one(tmp_path: Path, words: str) -> None:
    found = find_cause(FAILED, tmp_path, ("GPU-1",), f"epoch 3\n{words}\n")
    assert fault_of(found) is Fault.INFRASTRUCTURE
    assert "GPU-1" in found.detail
    assert find_cause(FAILED, tmp_path, (), words) is FAILED


@pytest.mark.parametrize(
    "words",
    [
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB",
        "RuntimeError: CUDA error: device-side assert triggered",
    ],
)
def test_what_a_step_does_to_its_gpu_is_its_own_doing(tmp_path: Path, words: str) -> None:
    assert find_cause(FAILED, tmp_path, ("GPU-1",), words) is FAILED


def test_a_full_disk_explains_a_failure_but_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not disk_is_full(tmp_path)
    monkeypatch.setattr(faults, "disk_is_full", lambda _: True)
    assert find_cause(FAILED, tmp_path, (), "").cause is Cause.INFRASTRUCTURE
    done = Exit(cause=Cause.DONE, code=0)
    assert find_cause(done, tmp_path, (), "") is done


def test_which_errors_are_the_disks(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    copying = shutil.Error([(str(tmp_path), str(tmp_path), str(full))])
    for error in (full, copying, OSError(errno.EDQUOT, "quota")):
        fault = storage_fault(error, "copying")
        assert fault is not None
        assert isinstance(fault.error, DiskFull)
        assert fault.error.exit_code == 3
    assert storage_fault(OSError(errno.EPERM, "no"), "copying") is None


@pytest.mark.parametrize(
    ("met", "allowed"),
    [
        ([KILLED], True),
        ([KILLED, KILLED], True),
        ([KILLED, KILLED, GONE], False),
        ([STARVED], True),
        ([STARVED, STARVED], False),
        ([KILLED, STARVED], True),
    ],
)
def test_the_limits(met: list[Exit], allowed: bool) -> None:
    assert Retries().allow(met) is allowed
    assert not Retries(limit=0).allow(met)


def test_only_what_may_come_back_is_waited_for() -> None:
    retries = Retries(pause=4)
    assert [retries.wait([GONE] * count) for count in (1, 2, 3)] == [4, 8, 16]
    assert retries.wait([KILLED]) == 0


# --- in the runner --------------------------------------------------------------------------------


def scripted(*acts: Act | Exit) -> Act:
    """Ends in turn as told, or does what is told."""
    waiting = list(acts)

    def act(out: Path, stop: Event) -> Exit | None:
        next_ = waiting.pop(0)
        return next_ if isinstance(next_, Exit) else next_(out, stop)

    return act


class Patient(Bench):
    """A bench whose runner tries again at once."""

    def __init__(self, root: Path, train: Act, runtime: FakeRuntime | None = None) -> None:
        super().__init__(root)
        acts = {**GOOD, "train": train}
        self.runtime = runtime or FakeRuntime(acts)
        self.runtime.acts = acts
        self.told: list[str] = []
        ready = Ready(checkouts={}, assets={}, environments={("toy", "host"): ENVIRONMENT})
        retries = Retries(pause=0)
        self.runner = StepRunner(
            self.store, self.runtime, ready, retries=retries, notify=self.told.append
        )

    def attempts(self) -> list[dict[str, Any]]:
        records = (self.store.record_of(a) for a in map(self._entry, self._folders()))
        return [dict(record) for record in records if record]

    def _folders(self) -> list[Path]:
        return sorted(self.layout.attempts.iterdir(), key=lambda path: path.stat().st_mtime_ns)

    def _entry(self, path: Path) -> Any:
        return self.layout.attempt(path.name)


def test_a_fault_is_answered_by_the_same_command(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    bench = Patient(tmp_path, scripted(KILLED, STARVED, write("model.txt", "model")))
    outcomes = bench.run(plan)
    assert statuses(plan, outcomes, Losses.NONE)["train"] is Status.DONE
    good = bench.store.record(toy.keys_of(plan)["train"])
    assert good is not None
    assert good["attempt"]["number"] == 3
    assert [fault["cause"] for fault in good["attempt"]["earlier"]] == ["signal", "out-of-memory"]
    earlier = bench.attempts()
    assert [record["status"] for record in earlier] == ["failed", "failed"]
    assert {tuple(record["command"]["argv"][:2]) for record in (*earlier, good)} == {
        tuple(good["command"]["argv"][:2])
    }
    assert [line.rpartition(";")[2] for line in bench.told] == [" trying again in 0 s"] * 2
    assert all(not (path / "work").exists() for path in bench._folders())


def test_a_failure_of_the_step_is_not_tried_again(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    bench = Patient(tmp_path, scripted(KILLED, FAILED))
    outcome = bench.run(plan)[toy.keys_of(plan)["train"]]
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, 6)
    faults_of = [record["exit"]["fault"] for record in bench.attempts()]
    assert faults_of == ["infrastructure", "step"]


def test_an_engine_that_stays_away_is_not_ready_and_leaves_the_attempt(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    bench = Patient(tmp_path, scripted(GONE, GONE, GONE))
    outcome = bench.run(plan)[toy.keys_of(plan)["train"]]
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, 3)
    assert "stopped answering" in (outcome.error or "")
    assert bench.attempts() == []  # nothing is said of an end that nobody saw


class Survived(FakeRuntime):
    """The first run is lost from view, and found again."""

    found: Exit | None = Exit(cause=Cause.DONE, code=0)

    def __init__(self, attempts: Path) -> None:
        super().__init__({})
        self.attempts = attempts

    def survivors(self) -> Sequence[Survivor]:
        names = [path.parent.name for path in self.attempts.glob("*/attempt.json")]
        return [Survivor(name=f"harness-{name}", labels={}, running=True) for name in names]

    def attach(self, command: Any, log: Path, stop: Event) -> Exit | None:
        del stop
        out = next(mount.source for mount in command.mounts if str(mount.target) == "/out")
        (out / "model.txt").write_text("from before")
        log.write_text("all of it\n")
        return self.found


def test_what_was_lost_from_view_is_followed_not_started_again(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    key = toy.keys_of(plan)["train"]
    bench = Patient(tmp_path, scripted(GONE), Survived(tmp_path / "runs" / "attempts"))
    assert bench.run(plan)[key].status is Status.DONE
    assert bench.runtime.seen.count("train") == 1
    assert (bench.layout.entry(key).out / "model.txt").read_text() == "from before"
    record = bench.store.record(key)
    assert record is not None
    assert (record["attempt"]["number"], record["attempt"]["reattached"]) == (2, 1)
    assert not bench.layout.entry(key).intent.exists()


def test_an_exit_code_after_the_engine_went_away_is_not_the_steps(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    runtime = Survived(tmp_path / "runs" / "attempts")
    runtime.found = FAILED
    bench = Patient(tmp_path, scripted(GONE, write("model.txt", "model")), runtime)
    assert bench.run(plan)[toy.keys_of(plan)["train"]].status is Status.DONE
    (lost,) = bench.attempts()
    assert (lost["exit"]["cause"], lost["exit"]["code"]) == ("infrastructure", 1)


def test_a_runtime_without_engine_counts_as_a_fault(tmp_path: Path) -> None:
    def away(out: Path, stop: Event) -> Exit:
        raise EngineGone("nobody answers", hint="start it")

    plan = toy.plan(losses=(Losses.NONE,))
    bench = Patient(tmp_path, scripted(away, write("model.txt", "model")))
    assert bench.run(plan)[toy.keys_of(plan)["train"]].status is Status.DONE


def test_a_step_stop_is_the_commands_or_its_own(tmp_path: Path) -> None:
    command, mark = Event(), tmp_path / "cancel"
    stop = StepStop(command, mark)
    assert not stop.wait(0)
    mark.touch()
    assert stop.wait(1000)
    assert stop.is_set()
    assert stop.cancelled
    mark.unlink()
    command.set()
    assert stop.wait(1000)
    assert not stop.cancelled


def test_the_second_of_two_hosts_is_discarded_and_recorded(tmp_path: Path) -> None:
    plan = toy.plan(losses=(Losses.NONE,))
    key = toy.keys_of(plan)["train"]
    other = Store(Bench(tmp_path).layout)

    def overtaken(out: Path, stop: Event) -> None:
        theirs = other.attempt(key)
        shutil.copytree(out, theirs.out, dirs_exist_ok=True)
        (theirs.out / "model.txt").write_text("theirs")
        (theirs.record).write_text('{"status": "done", "outputs": {}, "time": {"seconds": 1}}')
        assert other.publish(theirs, key)
        (out / "model.txt").write_text("ours")
        del stop

    bench = Patient(tmp_path, overtaken)
    assert bench.run(plan)[key].status is Status.DONE
    assert (bench.layout.entry(key).out / "model.txt").read_text() == "theirs"
    (ours,) = bench.attempts()
    assert ours["status"] == "discarded"
    assert not (bench._folders()[0] / "out").exists()
