"""What is read from NVML, and what is made of its errors."""

import pynvml
import pytest

from harness.errors import NotReadyError
from harness.gpus.nvml import Nvml
from harness.plan.compatibility import Gpu
from tests.fake_nvml import GB, Card, FakeNvml


def test_every_card_with_what_the_rule_needs() -> None:
    library = FakeNvml([Card("GPU-a"), Card("GPU-b", "Tesla T4", 15 * GB, capability=(7, 5))])
    assert Nvml(library).gpus() == (
        Gpu(
            uuid="GPU-a",
            index=0,
            name="NVIDIA H100 80GB HBM3",
            memory_gb=80.0,
            capability=(9, 0),
            driver="580.82.07",
        ),
        Gpu(
            uuid="GPU-b",
            index=1,
            name="Tesla T4",
            memory_gb=15.0,
            capability=(7, 5),
            driver="580.82.07",
        ),
    )
    assert library.sessions == 0


def test_texts_of_older_libraries_are_bytes() -> None:
    library = FakeNvml([Card("GPU-a")])
    library.nvmlDeviceGetUUID = lambda card: card.uuid.encode()  # type: ignore[method-assign]
    assert Nvml(library).gpus()[0].uuid == "GPU-a"


def test_of_a_card_in_mig_mode_its_instances() -> None:
    small = Card("MIG-1", "H100 MIG 1g.10gb", 10 * GB, capability=(0, 0))
    library = FakeNvml(
        [Card("GPU-a", instances=(None, small)), Card("GPU-b"), Card("GPU-c", instances=())]
    )
    found = Nvml(library).gpus()
    assert [(g.uuid, g.index, g.memory_gb) for g in found] == [("MIG-1", 0, 10), ("GPU-b", 1, 80)]
    assert found[0].capability == (9, 0)


def test_drivers_that_know_no_instances() -> None:
    assert len(Nvml(FakeNvml([Card("GPU-a")], knows_mig=False)).gpus()) == 1


@pytest.mark.parametrize("error", ["LIBRARY_NOT_FOUND", "DRIVER_NOT_LOADED"])
def test_no_driver_is_no_gpu(error: str) -> None:
    fault = getattr(pynvml, f"NVML_ERROR_{error}")
    assert Nvml(FakeNvml([Card("GPU-a")], fault=fault)).gpus() == ()


@pytest.mark.parametrize(
    ("error", "says", "hint"),
    [
        ("LIB_RM_VERSION_MISMATCH", "version mismatch", "restart the machine"),
        ("UNKNOWN", "Unknown Error", "nvidia-smi"),
        ("NO_PERMISSION", "Insufficient Permissions", "nvidia-smi"),
    ],
)
def test_a_broken_driver_says_so(error: str, says: str, hint: str) -> None:
    fault = getattr(pynvml, f"NVML_ERROR_{error}")
    with pytest.raises(NotReadyError, match=says) as raised:
        Nvml(FakeNvml([Card("GPU-a")], fault=fault)).gpus()
    assert hint in raised.value.hint


def test_a_card_that_fell_off_the_bus_says_so_and_the_session_ends() -> None:
    library = FakeNvml([Card("GPU-a"), Card("GPU-b", fault=pynvml.NVML_ERROR_GPU_IS_LOST)])
    with pytest.raises(NotReadyError, match="GPU is lost") as raised:
        Nvml(library).gpus()
    assert "Xid" in raised.value.hint
    assert library.sessions == 0


def test_memory_in_use() -> None:
    library = FakeNvml([Card("GPU-a", used=3 * GB)])
    assert Nvml(library).used_gb("GPU-a") == 3.0
    with pytest.raises(NotReadyError, match="GPU-b"):
        Nvml(library).used_gb("GPU-b")
