"""What is read of the machine, from files as other machines have them."""

import json
import resource
from pathlib import Path

import pynvml
import pytest

from harness.doctor import gather
from harness.gpus.leases import GpuLeases
from harness.gpus.nvml import Nvml
from harness.layout import CacheLayout
from tests.fake_nvml import Card, FakeNvml

NVIDIA = {
    "cdiVersion": "0.5.0",
    "kind": "nvidia.com/gpu",
    "devices": [{"name": "0"}, {"name": "GPU-1"}],
}


def test_names_of_the_container_device_interface(tmp_path: Path) -> None:
    (tmp_path / "nvidia.yaml").write_text(json.dumps(NVIDIA))  # JSON is YAML
    (tmp_path / "again.json").write_text(json.dumps(NVIDIA))
    (tmp_path / "other.yaml").write_text("kind: amd.com/gpu\ndevices: [{name: x}]\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "notes.txt").write_text("kind: nvidia.com/gpu")
    found = gather.cdi_devices([tmp_path, tmp_path / "nowhere"])
    assert found == ("nvidia.com/gpu=0", "nvidia.com/gpu=GPU-1")


def test_a_place_that_is_not_there_yet(tmp_path: Path) -> None:
    found = gather.place(tmp_path / "a" / "b")
    assert found.path == tmp_path / "a" / "b"
    assert found.device == tmp_path.stat().st_dev
    assert 0 < found.free_gb < 1e6


@pytest.mark.parametrize(
    ("said", "address", "there"),
    [(True, "unix:///x", True), (True, "tcp://far:1", False), (False, "unix:///x", False)],
)
def test_where_images_lie(tmp_path: Path, *, said: bool, address: str, there: bool) -> None:
    root = tmp_path if said else tmp_path / "on another machine"
    assert (gather.images_place({"DockerRootDir": str(root)}, address) is not None) is there
    assert gather.images_place("no engine", address) is None


@pytest.mark.parametrize(
    ("texts", "found"),
    [([], 8.0), (["max\n"], 8.0), ([str(2**32)], 4.0), (["max", str(2**62)], 8.0)],
)
def test_memory_within_a_control_group(tmp_path: Path, texts: list[str], found: float) -> None:
    files = [tmp_path / str(number) for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    assert gather.memory_gb([*files, tmp_path / "nowhere"], 8.0) == found


def test_subordinate_ids(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    assert gather.subordinate_ids(file, 4_000_000) == 0
    file.write_text("4000000:100000:65536\nsomebody:200000:65536\n4000000:300000:10\nbroken\n")
    assert gather.subordinate_ids(file, 4_000_000) == 65546
    file.write_text("root:100000:65536\n")
    assert gather.subordinate_ids(file, 0) == 65536


def test_the_clock_of_a_file_system(tmp_path: Path) -> None:
    found = gather.skew(tmp_path)
    assert found is not None
    assert abs(found) < 60
    assert gather.skew(tmp_path / "nowhere") is None


def test_a_limit_is_a_number() -> None:
    soft, hard = (gather.limit(resource.RLIMIT_NOFILE, hard=hard) for hard in (False, True))
    assert 0 < soft <= hard
    assert gather.nearest(Path("/")).exists()
    assert gather.place(Path("/dev/shm")).device == Path("/dev/shm").stat().st_dev


def test_a_broken_driver_is_a_text(tmp_path: Path) -> None:
    def leases(library: FakeNvml) -> GpuLeases:
        return GpuLeases(CacheLayout(tmp_path), Nvml(library).gpus)

    assert gather.cards(leases(FakeNvml())) == ()
    (card,) = gather.cards(leases(FakeNvml([Card("GPU-1")])))
    assert not isinstance(card, str)
    assert card.uuid == "GPU-1"
    broken = FakeNvml([Card("GPU-1")], fault=pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)
    said = gather.cards(leases(broken))
    assert isinstance(said, str)
    assert "restart the machine" in said
