"""What a step's container is told: isolation, limits, binds (design: "Isolation of containers")."""

import re
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.files import write_if_changed
from harness.layout import CacheLayout
from harness.manifest.model import RuntimeName
from harness.runtimes.runtime import Command

_GB = 2**30
_TMP_SIZE = 2 * _GB
_PROCESSES = 4096
_FILES = 65536
_PROCESSES_OF_USER = 32768  # all containers of a user together; the most that Podman grants
#: What an engine says of itself, and the limit that does not hold where it says no.
LIMITS = {"MemoryLimit": "memory", "PidsLimit": "processes"}
#: The label with the UUIDs of the GPUs that a container holds.
GPUS = "harness.gpus"

#: The kind of NVIDIA's GPUs in the Container Device Interface.
CDI_KIND = "nvidia.com/gpu"
#: The first Podman whose Docker-compatible API honours requests for devices; earlier ones start
#: the container without them and say nothing (containers/podman#25171).
PODMAN_WITH_DEVICES = (5, 4)


def gpu_obstacle(engine: RuntimeName, facts: Mapping[str, Any]) -> str | None:
    """Why an engine that says this of itself can give no GPU to a container, if that is known."""
    version = str(facts.get("ServerVersion", ""))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if engine is RuntimeName.PODMAN and numbers < PODMAN_WITH_DEVICES:
        return (
            f"podman {version} gives containers no GPU through its API; 5.4 is the first to do so"
        )
    return None


def missing_limits(facts: Mapping[str, Any]) -> list[str]:
    """The limits that an engine cannot enforce."""
    if is_rootless(facts) and str(facts.get("CgroupVersion")) == "1":
        return list(LIMITS.values())  # whatever it says: it has no cgroups of its own there
    return [limit for name, limit in LIMITS.items() if not facts.get(name, True)]


def is_rootless(facts: Mapping[str, Any]) -> bool:
    """Whether the engine runs as an ordinary user, whom it maps to 0 inside."""
    options = facts.get("SecurityOptions") or []  # Docker's way to say it; Podman's is a field
    return bool(facts.get("Rootless")) or any("rootless" in str(option) for option in options)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSettings:
    """Arguments of the SDK's `containers.create` for a command."""

    engine: RuntimeName
    cache: CacheLayout
    user: tuple[int, int]  # inside

    def of(self, command: Command) -> dict[str, Any]:
        """No network, no capabilities, read-only root, all limits explicit."""
        from docker.types import LogConfig

        memory = int(command.resources.memory_gb * _GB)
        unlimited = {"max-size": "1t"} if self.engine is RuntimeName.DOCKER else {}
        return {
            "image": command.environment.handle,
            "command": list(command.argv),
            "name": command.name,
            "labels": {
                **command.labels,
                **({GPUS: ",".join(command.gpus)} if command.gpus else {}),
            },
            "environment": {"USER": "step", "LOGNAME": "step", **command.env},
            "working_dir": str(command.cwd),
            "user": "{}:{}".format(*self.user),
            "mounts": [*self._binds(command), *self._accounts(command)],
            "detach": True,
            "init": True,
            "network_mode": "none",
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={_TMP_SIZE}"},  # noqa: S108
            "mem_limit": memory,
            "memswap_limit": memory,
            "pids_limit": _PROCESSES,
            "shm_size": int(command.resources.shm_gb * _GB),
            "ulimits": ulimits(),
            "log_config": LogConfig(type=LogConfig.types.JSON, config=unlimited),
            "device_requests": [self._device_request(command.gpus)] if command.gpus else [],
        }

    def _device_request(self, uuids: Sequence[str]) -> Any:
        """Docker's own way to ask for GPUs; Podman's is by the names of its device interface."""
        from docker.types import DeviceRequest

        if self.engine is RuntimeName.PODMAN:
            return DeviceRequest(driver="cdi", device_ids=[f"{CDI_KIND}={one}" for one in uuids])
        return DeviceRequest(device_ids=list(uuids), capabilities=[["gpu"]])

    def _binds(self, command: Command) -> list[Any]:
        return [
            _bind(mount.source.resolve(), str(mount.target), read_only=not mount.writable)
            for mount in command.mounts
        ]

    def _accounts(self, command: Command) -> list[Any]:
        """The user's entry in passwd and group: torch and getpass look it up."""
        uid, gid = self.user
        home = command.env.get("HOME", "/")
        texts = {
            "passwd": f"root:x:0:0:root:/root:/bin/sh\nstep:x:{uid}:{gid}:step:{home}:/bin/sh\n",
            "group": f"root:x:0:\nstep:x:{gid}:\n",
        }
        for name, text in texts.items():
            write_if_changed(self.cache.account(name, uid, gid), text)
        return [
            _bind(self.cache.account(name, uid, gid), f"/etc/{name}", read_only=True)
            for name in texts
        ]


def _bind(source: Path, target: str, *, read_only: bool) -> Any:
    from docker.types import Mount

    return Mount(target=target, source=str(source), type="bind", read_only=read_only)


def ulimits() -> list[Any]:
    """Explicit limits within the caller's own: Podman refuses to raise them."""
    from docker.types import Ulimit

    files = _within(resource.RLIMIT_NOFILE, _FILES)
    processes = _within(resource.RLIMIT_NPROC, _PROCESSES_OF_USER)
    return [
        Ulimit(name="nofile", soft=files, hard=files),
        Ulimit(name="nproc", soft=processes, hard=processes),
        Ulimit(name="core", soft=0, hard=0),
    ]


def _within(kind: int, most: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(hard, most)
