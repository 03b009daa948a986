"""Every line of doctor, in a good case and a bad one."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from harness.assets.declared import AssetState, AssetStatus
from harness.doctor import (
    CHECKS,
    Diagnosis,
    Finding,
    Line,
    Machine,
    Needs,
    State,
    data,
    disk,
    engine,
    gpu,
    machine,
    told,
)
from harness.doctor.check import Place, UpstreamFile
from harness.errors import NotReadyError
from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue
from harness.manifest.model import Resources, RuntimeName, Scale
from harness.plan.compatibility import Gpu
from harness.plan.plan import BoundStep
from tests import toy

CATALOGUE = load_catalogue(ProjectLayout(Path(__file__).resolve().parents[3]))
DOCKER: dict[str, Any] = {
    "ServerVersion": "26.1.5",
    "MemoryLimit": True,
    "PidsLimit": True,
    "Runtimes": {"runc": {}, "nvidia": {}},
    "SecurityOptions": ["name=seccomp,profile=default"],
}
PODMAN = {**DOCKER, "ServerVersion": "5.4.2", "Runtimes": {"crun": {}}}
ROOTLESS = {**PODMAN, "SecurityOptions": ["name=seccomp", "name=rootless"]}


def place(path: str, *, device: int = 1, free: float = 500.0, inodes: int | None = 10**8) -> Place:
    return Place(path=Path(path), device=device, free_gb=free, free_inodes=inodes)


CARD = Gpu(
    uuid="GPU-1",
    index=0,
    name="RTX 3090",
    memory_gb=24.0,
    capability=(8, 6),
    driver="535.216.01",
)
H100 = dataclasses.replace(CARD, name="H100", capability=(9, 0), memory_gb=80.0, driver="580.82.07")
FOUND_HERE = Machine(
    engine=DOCKER,
    engine_address="unix:///var/run/docker.sock",
    gpus=(CARD,),
    cdi_devices=("nvidia.com/gpu=GPU-1",),
    bubblewrap="0.8.0",
    runs=place("/runs"),
    cache=place("/cache", device=2),
    images=place("/var/lib/docker", device=3),
    memory_gb=64.0,
    shm_gb=32.0,
    files=65536,
    files_soft=1024,
    processes=30000,
    uid=1000,
    skew_seconds=0.01,
)
STEPS = tuple(toy.plan(seed=(1,)).steps.values())


def step(**fields: Any) -> BoundStep:
    known: dict[str, Any] = {"gpus": 1, "gpu_memory_gb": 24, "memory_gb": 32, "shm_gb": 8}
    return dataclasses.replace(STEPS[0], stack="cu117", resources=Resources(**(known | fields)))


def asset(state: AssetState, name: str = "voc", *, downloads: bool = False) -> AssetStatus:
    path = None if state is AssetState.MISSING else Path("/data/voc")
    how = "get it in a browser"
    return AssetStatus(
        name=name,
        title="VOC",
        state=state,
        path=path,
        digest="0",
        size_gb=2.0,
        how=how,
        downloads=downloads,
        steps=("open a page in a browser", "download voc.tar"),
        command=f"harness assets add {name} FILE",
        elsewhere="name a folder that holds voc by --data",
    )


NEEDS = Needs(
    runtime=RuntimeName.DOCKER,
    methods=("toy",),
    steps=(step(),),
    peak_disk_gb=100.0,
    stacks=CATALOGUE.stacks,
    offered={"toy": ("cu117", "cu130")},
    assets=(asset(AssetState.READY),),
)
PROCESS = {"runtime": RuntimeName.PROCESS}
SMOKE = {"scale": Scale.SMOKE}
WITHOUT_GPU = {"steps": (step(gpus=0),)}
SOURCES = {"repositories": {"SEAM": CATALOGUE.repositories["SEAM"]}}
PER_IMAGE = {"peak_files": 50_000}


def line(check: Any, changes: dict[str, Any], needs: dict[str, Any]) -> Line:
    found: Line = check(
        dataclasses.replace(FOUND_HERE, **changes), dataclasses.replace(NEEDS, **needs)
    )
    return found


SOUND = UpstreamFile(name="up/a.npy", state=State.OK, found="count 2")
NOT_HERE = UpstreamFile(
    name="up/b.npy", state=State.NOTE, found="not here", fix="harness fetch toy"
)
BROKEN = UpstreamFile(
    name="up/c.npy", state=State.MISSING, found="1 missing: 2007_000032", fix="report it"
)

GOOD: list[tuple[Any, dict[str, Any], dict[str, Any], str]] = [
    (data.plan, {}, {}, "1 steps to do"),
    (data.plan, {}, {"ahead": ("GPU-hours (estimate): 4",)}, "to do; GPU-hours (estimate): 4"),
    (data.plan, {}, {"methods": ()}, "-"),
    (engine.engine, {}, {}, "docker 26.1.5 at unix:///var/run/docker.sock"),
    (engine.engine, {"engine": "not asked"}, PROCESS, "-"),
    (engine.limits, {}, {}, "memory, processes"),
    (engine.limits, {"engine": "not asked"}, PROCESS, "-"),
    (engine.users, {}, {}, "maps no users"),
    (engine.users, {}, PROCESS, "-"),
    (
        engine.users,
        {"engine": ROOTLESS, "subordinate_ids": 65536, "newuidmap": True},
        {},
        "rootless",
    ),
    (engine.toolkit, {}, {}, "runtime nvidia"),
    (engine.toolkit, {"engine": {**DOCKER, "Runtimes": {}}, "nvidia_hook": True}, {}, "hook"),
    (engine.toolkit, {"engine": PODMAN}, {"runtime": RuntimeName.PODMAN}, "CDI names of 1 GPU"),
    (engine.toolkit, {"gpus": ()}, WITHOUT_GPU, "-"),
    (engine.toolkit, {"gpus": ()}, PROCESS, "-"),
    (gpu.driver, {}, {}, "535.216.01"),
    (gpu.driver, {}, WITHOUT_GPU, "535.216.01"),
    (gpu.driver, {"gpus": ()}, WITHOUT_GPU, "none"),
    (gpu.gpus, {}, {}, "RTX 3090, 24.0 GB, 8.6) driven by cu117"),
    (gpu.gpus, {"gpus": ()}, WITHOUT_GPU, "none"),
    (disk.disk, {}, {}, "500 GB free in /runs"),
    (disk.inodes, {}, PER_IMAGE, "100000000 in /runs"),
    (disk.inodes, {"runs": place("/runs", inodes=None)}, PER_IMAGE, "no limit"),
    (machine.memory, {}, {}, "64.0 GB"),
    (machine.shared_memory, {"shm_gb": 0.06}, {}, "up to 64.0 GB of the machine's memory"),
    (machine.shared_memory, {"shm_gb": 0.06}, PROCESS, "up to 32.0 GB of the machine's memory"),
    (machine.shared_memory, {"bubblewrap": None}, PROCESS, "up to 32.0 GB in /dev/shm"),
    (machine.ulimits, {}, {}, "1024 open files, 65536 for steps (the hard limit), 30000 processes"),
    (machine.bubblewrap, {}, PROCESS, "bubblewrap 0.8.0"),
    (machine.bubblewrap, {"bubblewrap": None, "bubblewrap_obstacle": "not there"}, {}, "not there"),
    (machine.clock, {}, {}, "+0.0 s"),
    (data.data, {}, {}, "1 of 1 there"),
    (data.data, {}, {"assets": ()}, "-"),
    (data.mirror, {}, {}, "-"),
    (machine.git, {}, SOURCES, "on PATH"),
    (machine.git, {"git": False}, {}, "-"),
    (data.files, {}, {}, "-"),
    (data.files, {}, {"files": (SOUND,)}, "up/a.npy: count 2"),
]


@pytest.mark.parametrize(("check", "changes", "needs", "found"), GOOD)
def test_good(check: Any, changes: dict[str, Any], needs: dict[str, Any], found: str) -> None:
    said = line(check, changes, needs)
    assert said.state in {State.OK, State.NOT_NEEDED}
    assert not said.findings
    assert found in said.found
    assert said.needed


MISSING, NOTE = State.MISSING, State.NOTE
BAD: list[tuple[Any, dict[str, Any], dict[str, Any], State, str, str]] = [
    (data.plan, {}, {"unplanned": NotReadyError("no python3.11", hint="install it")}, MISSING, "no python3.11", "install it"),
    (engine.engine, {"engine": "no docker answers"}, {}, MISSING, "no docker answers", "sudo systemctl start docker"),
    (engine.engine, {"engine": "no docker answers", "engine_installed": False}, {}, MISSING, "no docker answers", "1. install Docker"),
    (engine.engine, {"engine": "no podman answers"}, {"runtime": RuntimeName.PODMAN}, MISSING, "no podman", "systemctl --user start podman.socket"),
    (engine.engine, {"engine": "Permission denied"}, {}, MISSING, "denied", "sudo usermod -aG docker"),
    (engine.engine, {"engine": "no docker answers", "engine_named": True}, {}, MISSING, "no docker", "or correct DOCKER_HOST"),
    (engine.engine, {"engine": {**DOCKER, "ServerVersion": "19.03.15"}}, {}, NOTE, "19.03.15", "update"),
    (engine.limits, {"engine": {**DOCKER, "PidsLimit": False}}, {}, MISSING, "cannot enforce processes", "cgroups"),
    (engine.limits, {"engine": {**DOCKER, "MemoryLimit": False}}, SMOKE, NOTE, "cannot enforce memory", "cgroups"),
    (engine.users, {"engine": {**DOCKER, "SecurityOptions": ["name=userns"]}}, {}, MISSING, "userns-remap", "switch"),
    (engine.users, {"engine": ROOTLESS, "newuidmap": True}, {}, MISSING, "0 subordinate ids", "--add-subuids"),
    (engine.users, {"engine": ROOTLESS, "subordinate_ids": 65536}, {}, MISSING, "no newuidmap", "uidmap"),
    (engine.toolkit, {"engine": {**DOCKER, "Runtimes": {}}}, {}, MISSING, "nothing that does", "nvidia-ctk runtime configure"),
    (engine.toolkit, {"engine": PODMAN, "cdi_devices": ("nvidia.com/gpu=0",)}, {"runtime": RuntimeName.PODMAN}, MISSING, "nothing that does", "strategy=uuid"),
    (engine.toolkit, {"engine": {**PODMAN, "ServerVersion": "4.9.3"}}, {"runtime": RuntimeName.PODMAN}, MISSING, "podman 4.9.3", "update Podman"),
    (gpu.driver, {"gpus": "Unknown Error"}, {}, MISSING, "Unknown Error", "nvidia-smi"),
    (gpu.driver, {"gpus": "Unknown Error"}, WITHOUT_GPU, NOTE, "Unknown Error", "nvidia-smi"),
    (gpu.driver, {"gpus": (dataclasses.replace(CARD, driver="440.33"),)}, {}, MISSING, "440.33", "update NVIDIA's driver"),
    (gpu.driver, {}, {"steps": (dataclasses.replace(step(), stack="cu130"),)}, MISSING, "535.216.01", "use --stack cu117"),
    (gpu.gpus, {"gpus": (H100,)}, {}, MISSING, "H100, 80.0 GB, 9.0) driven by cu130", "use --stack cu130"),
    (gpu.gpus, {"gpus": ()}, {}, MISSING, "needed: 1 of up to 24 GB", "harness reproduce toy --scale smoke --seeds 1 (proves"),
    (gpu.gpus, {"gpus": (), "engine": "no docker answers"}, {}, MISSING, "none", "--scale smoke --seeds 1 --runtime process (proves"),
    (gpu.gpus, {"gpus": ()}, {"runtime": RuntimeName.PODMAN}, MISSING, "none", "--scale smoke --seeds 1 --runtime podman (proves"),
    (gpu.gpus, {"gpus": ()}, PROCESS, MISSING, "none", "--scale smoke --seeds 1 --runtime process (proves"),
    (gpu.gpus, {"gpus": (), "visible_devices": ""}, {}, MISSING, "none", "(CUDA_VISIBLE_DEVICES is '')"),
    (gpu.gpus, {}, {"steps": (step(gpus=2),)}, MISSING, "GPU: 2 needed, 1 found", "such GPUs"),
    (gpu.gpus, {}, {"steps": (step(gpu_memory_gb=40),)}, NOTE, "24.0 GB", "40 GB of GPU memory (estimate), more than GPU 0"),
    (gpu.gpus, {}, {"steps": (step(gpu_memory_gb=40),)}, NOTE, "24.0 GB", "harness rehearse toy"),
    (gpu.gpus, {}, {"steps": (step(gpu_memory_gb=40, gpu_memory_measured="A100"),)}, MISSING, "24.0 GB", "40 GB of memory (measured on A100)"),
    (disk.disk, {"runs": place("/runs", free=49.0)}, {}, MISSING, "49 GB free in /runs", "free 51 GB there or --runs names"),
    (disk.disk, {"runs": place("/runs", free=99.0)}, {}, NOTE, "99 GB free in /runs", "free 1 GB there"),
    (disk.disk, {"runs": place("/runs", free=99.0)}, {"disk_source": "measured"}, MISSING, "99 GB free in /runs", "(measured)"),
    (disk.disk, {"cache": place("/cache", device=2, free=1.0)}, {"assets": (asset(AssetState.MISSING),)}, MISSING, "1 GB free in /cache", "HARNESS_CACHE"),
    (disk.disk, {"runs": place("/runs", free=9.0)}, SMOKE, NOTE, "9 GB free", "--runs"),
    (disk.disk, {"images": place("/docker", device=3, free=4.0)}, {}, NOTE, "4 GB free in /docker", "data-root"),
    (disk.inodes, {"runs": place("/runs", inodes=20_000)}, PER_IMAGE, MISSING, "20000", "--runs"),
    (disk.inodes, {"runs": place("/runs", inodes=40_000)}, PER_IMAGE, NOTE, "40000", "--runs"),
    (machine.memory, {"memory_gb": 31.0}, {}, NOTE, "31.0 GB", "memory"),
    (machine.shared_memory, {"memory_gb": 7.5}, {}, NOTE, "7.5 GB", "memory"),
    (machine.shared_memory, {"bubblewrap": None, "shm_gb": 0.06}, PROCESS, MISSING, "0.1 GB in /dev/shm", "sudo mount -o remount,size=8G /dev/shm"),
    (machine.ulimits, {"files": 1024}, {}, NOTE, "1024 for steps", "limits.conf"),
    (machine.ulimits, {"files": 256}, {}, MISSING, "256 for steps", "limits.conf"),
    (machine.ulimits, {"processes": 512}, {}, NOTE, "512 processes", "limits.conf"),
    (machine.bubblewrap, {"bubblewrap": None, "bubblewrap_obstacle": "may not"}, PROCESS, NOTE, "may not", "bubblewrap"),
    (machine.clock, {"skew_seconds": -3.2}, {}, NOTE, "-3.2 s", "synchronise"),
    (machine.clock, {"skew_seconds": None}, {}, NOTE, "unknown", "clocks"),
    (machine.git, {"git": False}, SOURCES, MISSING, "not on PATH", "apt-get install git"),
    (data.data, {}, {"assets": (asset(AssetState.MISSING),)}, MISSING, "missing: voc", "2. download voc.tar 3. harness assets add voc FILE"),
    (data.data, {}, {"assets": (asset(AssetState.CHANGED),)}, NOTE, "changed", "hashes it again"),
    (data.mirror, {}, {"mirror": Path("/nowhere"), **SOURCES}, MISSING, "misses SEAM", "harness mirror create /nowhere toy"),
    (data.files, {}, {"files": (SOUND, NOT_HERE)}, NOTE, "up/a.npy: count 2; up/b.npy: not here", "harness fetch toy"),
    (data.files, {}, {"files": (BROKEN, NOT_HERE, SOUND)}, MISSING, "up/c.npy: 1 missing", "report it"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "changes", "needs", "state", "found", "fix"), BAD)
def test_bad(
    check: Any, changes: dict[str, Any], needs: dict[str, Any], state: State, found: str, fix: str
) -> None:
    said = line(check, changes, needs)
    assert said.state is state
    assert said.findings
    text = " ".join(" ".join(told(said.findings)).split())
    assert found in f"{said.found} {text}"
    assert fix in text


def test_needs_say_what_was_measured() -> None:
    assert "100 GB for outputs at the peak (estimate)" in line(disk.disk, {}, {}).needed
    source = {"disk_source": "3 of 4 steps measured"}
    assert "at the peak (3 of 4 steps measured)" in line(disk.disk, {}, source).needed
    assert "of up to 24 GB (estimate)" in line(gpu.gpus, {}, {}).needed
    measured = {"steps": (step(gpu_memory_measured="A100 on 2026-11-30"), step(gpu_memory_gb=12))}
    needed = line(gpu.gpus, {}, measured).needed
    assert "of up to 24 GB (measured on A100 on 2026-11-30)" in needed


def test_what_can_be_downloaded_is_not_missing() -> None:
    absent = {"assets": (asset(AssetState.MISSING, downloads=True),)}
    said = line(data.data, {}, absent)
    assert said.state is State.OK
    assert "to be downloaded: voc" in said.found
    assert "2 GB for downloads" in line(disk.disk, {}, absent).needed


def test_places_of_one_disk_share_what_is_left() -> None:
    one = {"runs": place("/runs", free=51.0), "cache": place("/cache", free=51.0)}
    absent = {"assets": (asset(AssetState.MISSING),)}
    assert line(disk.disk, one, absent).state is State.MISSING
    apart = {**one, "cache": place("/cache", device=2, free=51.0)}
    assert line(disk.disk, apart, absent).state is State.NOTE


def test_a_mirror_that_holds_the_repositories(tmp_path: Path) -> None:
    seam = CATALOGUE.repositories["SEAM"]
    (tmp_path / "YudeWang" / "SEAM.git" / "objects").mkdir(parents=True)
    said = line(data.mirror, {}, {"mirror": tmp_path, "repositories": {"SEAM": seam}})
    assert said.state is State.OK
    assert "repositories only" in said.found


def test_a_mirror_that_was_not_made_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "mirror.json").write_text("{}")
    said = line(data.mirror, {}, {"mirror": tmp_path})
    assert said.state is State.MISSING
    assert said.findings[0].remedy


def test_every_check_has_its_cases() -> None:
    assert {check for check, *_ in GOOD} == {check for check, *_ in BAD} == set(CHECKS)


def test_only_what_was_asked_for_can_be_missing() -> None:
    lack = Finding(name="x", what="no x", command="get x")
    lost = Line(name="x", state=State.MISSING, found="", needed="", findings=(lack,))
    assert not Diagnosis(("toy",), (lost,)).ready
    assert Diagnosis((), (lost,)).ready
    doubtful = Diagnosis(("toy",), (dataclasses.replace(lost, state=State.NOTE),))
    assert doubtful.ready
    assert (doubtful.missing, doubtful.notes) == ((), (lack,))
