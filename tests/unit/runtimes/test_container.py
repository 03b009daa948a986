"""What a container is told: every line of design's isolation."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from harness.layout import CacheLayout
from harness.manifest.model import Resources, RuntimeName
from harness.runtimes.container import ContainerRuntime
from harness.runtimes.engine import Engine, gpu_obstacle, is_rootless, missing_limits
from harness.runtimes.runtime import Command, Environment, Mount


def settings(
    tmp_path: Path, engine: RuntimeName = RuntimeName.DOCKER, **fields: Any
) -> dict[str, Any]:
    mount = Mount(source=tmp_path, target=PurePosixPath("/in/x"))
    out = Mount(source=tmp_path, target=PurePosixPath("/out"), writable=True)
    command = Command(
        name="one",
        environment=Environment(id="0", handle="sha256:1", python="/opt/venv/bin/python"),
        argv=("python", "x.py"),
        env={"HOME": "/home/step"},
        cwd=PurePosixPath("/work"),
        mounts=(mount, out),
        resources=Resources(memory_gb=2, shm_gb=1),
        threads=1,
        labels={"harness.key": "k"},
        **fields,
    )
    cache = CacheLayout(tmp_path / "cache")
    runtime = ContainerRuntime(cache, engine=engine, user=(1000, 1001))
    runtime._info = {"ServerVersion": "1"}  # of an engine that is not rootless
    return runtime._settings(command)


def test_isolation(tmp_path: Path) -> None:
    told = settings(tmp_path)
    assert told["network_mode"] == "none"
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges"]
    assert told["init"] is True
    assert told["user"] == "1000:1001"
    assert told["mem_limit"] == told["memswap_limit"] == 2 * 2**30
    assert told["shm_size"] == 2**30
    assert told["pids_limit"] >= 4096
    assert {limit["Name"] for limit in told["ulimits"]} == {"nofile", "nproc", "core"}
    assert "privileged" not in told
    assert told["device_requests"] == []
    assert told["labels"] == {"harness.key": "k"}


def test_binds_are_read_only_but_for_what_is_written(tmp_path: Path) -> None:
    binds = {bind["Target"]: bind for bind in settings(tmp_path)["mounts"]}
    assert set(binds) == {"/in/x", "/out", "/etc/passwd", "/etc/group"}
    assert [target for target, bind in binds.items() if not bind["ReadOnly"]] == ["/out"]
    assert {bind["Type"] for bind in binds.values()} == {"bind"}
    assert all(Path(bind["Source"]).exists() for bind in binds.values())
    passwd = Path(binds["/etc/passwd"]["Source"]).read_text()
    assert "step:x:1000:1001:step:/home/step:/bin/sh" in passwd


def test_gpus_are_asked_for_by_name(tmp_path: Path) -> None:
    (request,) = settings(tmp_path, gpus=("GPU-1",))["device_requests"]
    assert request["DeviceIDs"] == ["GPU-1"]
    assert request["Capabilities"] == [["gpu"]]
    assert request["Driver"] == ""


def test_podman_knows_gpus_by_the_names_of_its_device_interface(tmp_path: Path) -> None:
    told = settings(tmp_path, RuntimeName.PODMAN, gpus=("GPU-1", "MIG-2"))
    (request,) = told["device_requests"]
    assert request["Driver"] == "cdi"
    assert request["DeviceIDs"] == ["nvidia.com/gpu=GPU-1", "nvidia.com/gpu=MIG-2"]
    assert settings(tmp_path, RuntimeName.PODMAN)["device_requests"] == []


@pytest.mark.parametrize(
    ("engine", "version", "able"),
    [
        ("podman", "4.3.1", False),
        ("podman", "5.3.2", False),
        ("podman", "5.4.0", True),
        ("podman", "10.0.1-dev", True),
        ("docker", "20.10.24", True),
    ],
)
def test_old_podman_would_silently_give_no_gpu(engine: str, version: str, *, able: bool) -> None:
    said = gpu_obstacle(RuntimeName(engine), {"ServerVersion": version})
    assert (said is None) is able


def test_limits_that_an_engine_denies() -> None:
    assert missing_limits({"MemoryLimit": True, "PidsLimit": True}) == []
    assert missing_limits({"MemoryLimit": False, "PidsLimit": True}) == ["memory"]
    assert missing_limits({}) == []


@pytest.mark.parametrize(
    ("info", "rootless", "missing"),
    [
        (
            {"Rootless": True, "CgroupVersion": "1", "MemoryLimit": True},
            True,
            ["memory", "processes"],
        ),
        ({"Rootless": True, "CgroupVersion": "2", "MemoryLimit": True}, True, []),
        ({"Rootless": True, "CgroupVersion": "2", "PidsLimit": False}, True, ["processes"]),
        ({"SecurityOptions": ["name=seccomp", "name=rootless"], "CgroupVersion": "2"}, True, []),
        ({"Rootless": False, "CgroupVersion": "1", "SecurityOptions": None}, False, []),
        ({"SecurityOptions": ["name=seccomp,profile=default"]}, False, []),
    ],
)
def test_rootless_engines(info: dict[str, Any], rootless: bool, missing: list[str]) -> None:
    assert is_rootless(info) is rootless
    assert missing_limits(info) == missing


@pytest.mark.parametrize(
    ("name", "environ", "address"),
    [
        ("docker", {}, "unix:///var/run/docker.sock"),
        ("docker", {"DOCKER_HOST": "tcp://far:1"}, "tcp://far:1"),
        ("docker", {"CONTAINER_HOST": "unix:///p"}, "unix:///var/run/docker.sock"),
        ("podman", {}, "unix:///run/podman/podman.sock"),
        ("podman", {"CONTAINER_HOST": "unix:///p", "DOCKER_HOST": "tcp://far:1"}, "unix:///p"),
        ("podman", {"DOCKER_HOST": "unix:///d"}, "unix:///d"),
    ],
)
def test_where_an_engine_is_looked_for(name: str, environ: dict[str, str], address: str) -> None:
    assert Engine.find(RuntimeName(name), environ).address == address
