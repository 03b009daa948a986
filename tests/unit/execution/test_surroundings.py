"""What records say of GPUs and data."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import NotReadyError
from harness.execution import surroundings
from harness.gpus.nvml import Nvml
from harness.plan.compatibility import Gpu
from harness.plan.plan import BoundInput
from harness.store.machine import describe_machine
from tests import toy

H100 = Gpu(
    uuid="GPU-1", index=0, name="NVIDIA H100", memory_gb=79.65, capability=(9, 0), driver="580.65"
)


def test_the_cards_of_a_step_are_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nvml, "gpus", lambda _: (H100,))
    known, other = surroundings.cards(["GPU-1", "GPU-2"])
    assert known == {
        "uuid": "GPU-1",
        "name": "NVIDIA H100",
        "memory_gb": 79.7,
        "capability": "9.0",
        "driver": "580.65",
    }
    assert other == {"uuid": "GPU-2"}


def test_a_broken_driver_leaves_the_uuids(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Nvml) -> tuple[Gpu, ...]:
        raise NotReadyError("the NVIDIA driver answers: GPU is lost", hint="restart")

    monkeypatch.setattr(Nvml, "gpus", broken)
    assert surroundings.cards(["GPU-1"]) == [{"uuid": "GPU-1"}]
    assert surroundings.cards([]) == []  # nobody is asked


def test_data_are_counted_with_their_digest(tmp_path: Path) -> None:
    step = next(iter(toy.plan().steps.values()))
    voc = BoundInput(kind="asset", ref="voc12", path=".", target="/data/voc")
    hashed = {**step.key_inputs, "inputs": {"voc": {"asset": "d" * 64}}}
    reads = replace(step, inputs={"voc": voc}, key_inputs=hashed)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one").write_bytes(b"123")
    (tmp_path / "two").write_bytes(b"45")
    assert surroundings.data_of(reads, {"voc12": tmp_path}) == {
        "voc12": {"sha256": "d" * 64, "files": 2, "bytes": 5}
    }
    assert surroundings.data_of(step, {}) == {}


def test_the_machine_is_described_once() -> None:
    assert describe_machine() is describe_machine()
