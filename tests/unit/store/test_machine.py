"""What records say of the machine."""

import os
from pathlib import Path

import pytest

from harness.store import machine
from harness.store.records import _masked, determinism, made_by

MOUNTS = r"""/dev/root / ext4 rw 0 0
proc /proc proc rw 0 0
server:/home /mnt/my\040data nfs4 rw 0 0
tmpfs /mnt/my\040data/scratch tmpfs rw 0 0
"""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    files: dict[str, str] = {}
    monkeypatch.setattr(machine, "_lines", lambda file: files.get(str(file), "").splitlines())
    machine.file_system.cache_clear()
    machine.describe_machine.cache_clear()
    return files


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/srv/runs", "ext4"), ("/mnt/my data/runs", "nfs4"), ("/mnt/my data/scratch", "tmpfs")],
)
def test_the_innermost_mount_names_the_file_system(
    kernel: dict[str, str], folder: str, kind: str
) -> None:
    kernel["/proc/self/mounts"] = MOUNTS
    assert machine.file_system(Path(folder)) == kind


def test_a_system_without_mounts_names_no_file_system(kernel: dict[str, str]) -> None:
    assert kernel == {}
    assert machine.file_system(Path("/srv")) is None


def test_cpu_and_governor_are_those_of_the_first_cpu(kernel: dict[str, str]) -> None:
    cpu = "processor\t: 0\nmodel name\t: A: fast one\nflags\t\t: sse avx2 avx\n\n"
    kernel["/proc/cpuinfo"] = cpu + cpu.replace("A: fast one", "another")
    kernel["/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"] = "performance\n"
    found = machine.describe_machine()
    assert (found["cpu"], found["governor"]) == ("A: fast one", "performance")
    assert found["cpu_flags"] == ["avx", "avx2", "sse"]


def test_slurm_job_and_node_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert machine._scheduler(os.environ) is None
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURMD_NODENAME", "node3")
    assert machine._scheduler(os.environ) == {"name": "slurm", "job": "17", "node": "node3"}


def test_private_values_are_masked() -> None:
    env = {"WANDB_API_KEY": "x", "hf_token": "x", "PASSWORD_FILE": "x", "HOME": "/home/step"}
    shown = dict.fromkeys(env, "***") | {"HOME": "/home/step"}
    assert _masked(env) == shown


def test_flags_are_those_the_step_gets() -> None:
    plain = determinism({"PYTHONHASHSEED": "0"})
    assert (plain["matmul_tf32"], plain["cublas_workspace"]) == (False, None)
    asked = determinism({"HARNESS_TF32": "1", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"})
    assert (asked["matmul_tf32"], asked["cublas_workspace"]) == (True, ":4096:8")


def test_a_record_of_schema_3_says_when_and_where_but_not_for_which_run() -> None:
    old = {"time": {"start": "a", "end": "b", "seconds": 1.0}, "host": {"name": "vm"}}
    assert made_by(old) == {"run": None, "plan": None, "host": "vm", "start": "a", "end": "b"}
    assert made_by(None) is None
