"""Look at this machine: ask the engine, the driver, the kernel, the file systems."""

import json
import os
import pwd
import resource
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.doctor.check import Machine, Place
from harness.doctor.engine import HOOK
from harness.errors import ManifestError, NotReadyError
from harness.gpus.leases import GpuLeases
from harness.manifest.model import RuntimeName
from harness.manifest.yaml_source import read_yaml
from harness.plan.compatibility import Gpu
from harness.runtimes.engine import ADDRESS, CDI_KIND, Engine, engine_errors, one_line
from harness.runtimes.sandbox import Bubblewrap, find_bubblewrap
from harness.store.machine import total_memory_gb

_GB = 2**30
_PATIENCE_SECONDS = 5  # an engine that is well answers at once,
_INFO_SECONDS = 10  # but one with many containers takes a while to count them
_CDI_FOLDERS = ("/etc/cdi", "/var/run/cdi")
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def look(runs: Path, cache: Path, runtime: RuntimeName, leases: GpuLeases) -> Machine:
    """Look at everything once. Raises UsageError for GPUs by `--gpus` that are not there."""
    engine, address = "not asked", ""
    said: Mapping[str, Any] | str = engine
    if runtime is not RuntimeName.PROCESS:
        found = Engine.find(runtime, os.environ)
        said, address = engine_info(found), found.address
    bubblewrap = find_bubblewrap()
    works = isinstance(bubblewrap, Bubblewrap)
    return Machine(
        engine=said,
        engine_address=address,
        engine_named=any(name in os.environ for name in ADDRESS.values()),
        engine_installed=shutil.which(runtime) is not None,
        nvidia_hook=shutil.which(HOOK) is not None,
        cdi_devices=cdi_devices(_cdi_folders(said)),
        gpus=cards(leases),
        visible_devices=os.environ.get("CUDA_VISIBLE_DEVICES"),
        git=shutil.which("git") is not None,
        bubblewrap=bubblewrap.version if isinstance(bubblewrap, Bubblewrap) else None,
        bubblewrap_obstacle="" if works else str(bubblewrap),
        runs=place(runs),
        cache=place(cache),
        images=images_place(said, address),
        memory_gb=memory_gb(_CGROUP_LIMITS, total_memory_gb()),
        shm_gb=place(Path("/dev/shm")).free_gb,  # noqa: S108 - looked at, not written to
        files=limit(resource.RLIMIT_NOFILE, hard=True),
        files_soft=limit(resource.RLIMIT_NOFILE, hard=False),
        processes=limit(resource.RLIMIT_NPROC, hard=True),
        uid=os.getuid(),
        subordinate_ids=subordinate_ids(Path("/etc/subuid"), os.getuid()),
        newuidmap=shutil.which("newuidmap") is not None,
        skew_seconds=skew(nearest(runs)),
    )


def engine_info(engine: Engine) -> Mapping[str, Any] | str:
    """The engine's report of itself, or why there is none."""
    try:
        with engine.client(_PATIENCE_SECONDS) as client:
            client.api.timeout = _INFO_SECONDS
            info: Mapping[str, Any] = client.info()
    except NotReadyError as error:
        return str(error)
    except engine_errors() as error:
        return f"{engine.name} at {engine.address} does not tell what it is: {one_line(error)}"
    return info


def cards(leases: GpuLeases) -> tuple[Gpu, ...] | str:
    """The GPUs that may be used, or what is wrong with the driver."""
    try:
        return tuple(leases.cards)
    except NotReadyError as error:
        return f"{error} ({error.hint})"


def cdi_devices(folders: Iterable[Path]) -> tuple[str, ...]:
    """Names of NVIDIA's GPUs in the specifications that these folders hold."""
    files = (file for folder in folders if folder.is_dir() for file in sorted(folder.iterdir()))
    names: dict[str, None] = {}
    for file in files:
        names |= dict.fromkeys(_devices(_read(file)))
    return tuple(names)


def place(path: Path) -> Place:
    """The file system that `path` is on, or will be."""
    there = nearest(path)
    state = os.statvfs(there)
    return Place(
        path=path,
        device=there.stat().st_dev,
        free_gb=state.f_bavail * state.f_frsize / 1e9,
        free_inodes=state.f_favail if state.f_files else None,
    )


def images_place(said: Mapping[str, Any] | str, address: str) -> Place | None:
    """Where an engine of this machine keeps images."""
    root = said.get("DockerRootDir") if isinstance(said, Mapping) else None
    here = address.startswith("unix://") and root is not None and Path(root).is_dir()
    return place(Path(root)) if here and root is not None else None


def nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above that is there."""
    return next(one for one in (path, *path.parents) if one.exists())


def memory_gb(limits: Iterable[Path], total: float) -> float:
    """The machine's memory, or what its control group leaves to this process."""
    texts = (path.read_text().strip() for path in limits if path.exists())
    return min([total, *(int(text) / _GB for text in texts if text.isdecimal())])


def limit(kind: int, *, hard: bool) -> int:
    """The limit in force, or the most that this user may ask for; if none, a large number."""
    found = resource.getrlimit(kind)[int(hard)]
    return 2**31 if found == resource.RLIM_INFINITY else found


def subordinate_ids(file: Path, uid: int) -> int:
    """How many ids the user may hand out in user namespaces."""
    try:
        names = {str(uid), pwd.getpwuid(uid).pw_name}
    except KeyError:
        names = {str(uid)}
    lines = file.read_text().splitlines() if file.exists() else []
    ranges = (line.split(":") for line in lines if line.count(":") == 2)  # noqa: PLR2004
    return sum(int(size) for name, _, size in ranges if name in names and size.isdecimal())


def skew(folder: Path) -> float | None:
    """The file system's clock less the machine's, in seconds; None where nothing can be written."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            before = time.time()
            os.utime(file.fileno())  # by the clock of whoever serves the file system
            return os.fstat(file.fileno()).st_mtime - before
    except OSError:
        return None


def _cdi_folders(said: Mapping[str, Any] | str) -> list[Path]:
    named = said.get("CDISpecDirs") if isinstance(said, Mapping) else None
    return [Path(folder) for folder in (named or _CDI_FOLDERS)]


def _read(file: Path) -> Any:
    """A specification, or nothing where the file is none that can be read."""
    try:
        if file.suffix == ".json":
            return json.loads(file.read_text())
        return read_yaml(file).data if file.suffix in {".yaml", ".yml"} else None
    except (OSError, ValueError, ManifestError):
        return None


def _devices(specification: Any) -> list[str]:
    if not isinstance(specification, dict) or specification.get("kind") != CDI_KIND:
        return []
    return [f"{CDI_KIND}={device.get('name')}" for device in specification.get("devices") or []]
