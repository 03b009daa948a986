"""A container engine, Docker or Podman: connect through the Docker SDK, read what it reports."""

import os
import re
import resource
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import EngineGone
from harness.manifest.model import RuntimeName
from harness.runtimes.limits import OPEN_FILES, PROCESSES_OF_USER, within_hard_limit

if TYPE_CHECKING:
    from docker import DockerClient

_SECONDS = 30
#: The timeout of requests that may send nothing for long: a build's download, an image's transfer.
A_DAY = 24 * 3600
#: A field of `info()` for each limit; false means that the engine cannot enforce the limit.
LIMITS = {"MemoryLimit": "memory", "PidsLimit": "processes"}
#: The kind of NVIDIA's GPUs in the Container Device Interface.
CDI_KIND = "nvidia.com/gpu"
#: The first Podman whose Docker-compatible API honours device requests. Earlier ones start the
#: container without the devices and report no error (containers/podman#25171).
PODMAN_WITH_DEVICES = (5, 4)
_DOCKER_DEFAULT = "unix:///var/run/docker.sock"
_PODMAN_DEFAULT = "unix:///run/podman/podman.sock"
#: By address, the version of the API on which SDK and engine agreed: they ask only once.
_agreed: dict[str, str] = {}

#: The command that starts an engine where systemd runs.
START = {
    RuntimeName.DOCKER: "sudo systemctl start docker",
    RuntimeName.PODMAN: "systemctl --user start podman.socket",
}
#: The states of a container whose process is there, and those with an exit code. Neither holds one
#: that was only created. Podman says of one that stops or is paused that it does not run.
RUNNING = {"running", "paused", "restarting", "stopping"}
ENDED = {"exited", "stopped", "removing", "dead"}
#: The variable that names an engine's address.
ADDRESS = {RuntimeName.DOCKER: "DOCKER_HOST", RuntimeName.PODMAN: "CONTAINER_HOST"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A container engine and the address of its API."""

    name: RuntimeName
    address: str

    @classmethod
    def find(cls, name: RuntimeName, environ: Mapping[str, str]) -> "Engine":
        """Take the address from DOCKER_HOST (Podman: CONTAINER_HOST first), else the default."""
        given = environ.get("DOCKER_HOST")
        if name is not RuntimeName.PODMAN:
            return cls(name=name, address=given or _DOCKER_DEFAULT)
        folder = environ.get("XDG_RUNTIME_DIR")
        own = f"{folder}/podman/podman.sock" if folder else ""
        default = f"unix://{own}" if own and Path(own).exists() else _PODMAN_DEFAULT
        return cls(name=name, address=environ.get("CONTAINER_HOST") or given or default)

    def connect(self, seconds: int = _SECONDS) -> "DockerClient":
        """Open a new client; threads must not share one. Raises EngineGone."""
        try:
            _knock(self.address, seconds)
        except OSError as error:  # told without the SDK, whose import takes long
            raise self._gone(error) from error
        import docker

        environ = {**os.environ, "DOCKER_HOST": self.address}
        agreed = _agreed.pop(self.address, None)  # forgotten unless the engine still accepts it
        try:
            client = docker.from_env(version=agreed, timeout=seconds, environment=environ)
        except engine_errors(OSError) as error:
            raise self._gone(error) from error
        try:
            client.ping()
        except engine_errors(OSError) as error:
            client.close()
            if agreed is not None and isinstance(error, docker.errors.APIError):
                return self.connect(seconds)
            raise self._gone(error) from error
        _agreed[self.address] = client.api.api_version
        return client

    def _gone(self, error: BaseException) -> EngineGone:
        return EngineGone(
            f"no {self.name} engine answers at {self.address}: {one_line(error)}",
            hint=f"start it: {START[self.name]}; or set {ADDRESS[self.name]} to its address; "
            "--runtime process needs no engine",
        )

    def client(self, seconds: int = _SECONDS) -> "closing[DockerClient]":
        """Open a client that closes at the end of a `with` block. Raises EngineGone."""
        return closing(self.connect(seconds))


def engine_errors(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """What the SDK raises when an engine refuses a request or does not answer it, and `more`."""
    import docker
    import requests

    return docker.errors.DockerException, requests.RequestException, *more


def gpu_obstacle(engine: RuntimeName, info: Mapping[str, Any]) -> str | None:
    """Why an engine with this `info()` gives no GPU to a container; None if no reason is known."""
    version = str(info.get("ServerVersion", ""))
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if engine is RuntimeName.PODMAN and numbers < PODMAN_WITH_DEVICES:
        return (
            f"podman {version} gives containers no GPU through its API; 5.4 is the first to do so"
        )
    return None


def missing_limits(info: Mapping[str, Any]) -> list[str]:
    """The limits that an engine with this `info()` cannot enforce."""
    if is_rootless(info) and str(info.get("CgroupVersion")) == "1":
        return list(LIMITS.values())  # it has no cgroups of its own, whatever `info()` claims
    return [limit for name, limit in LIMITS.items() if not info.get(name, True)]


def is_rootless(info: Mapping[str, Any]) -> bool:
    """Whether the engine runs as an ordinary user, whom it maps to 0 inside containers."""
    options = info.get("SecurityOptions") or []  # Docker lists it here; Podman has a field
    return bool(info.get("Rootless")) or any("rootless" in str(option) for option in options)


def ulimits() -> list[Any]:
    """Explicit limits within the caller's own, because Podman refuses to raise those."""
    from docker.types import Ulimit

    files = within_hard_limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    processes = within_hard_limit(resource.RLIMIT_NPROC, PROCESSES_OF_USER)
    limits = {"nofile": files, "nproc": processes, "core": 0}
    return [Ulimit(name=name, soft=most, hard=most) for name, most in limits.items()]


def _knock(address: str, seconds: int) -> None:
    """Raise OSError if nothing listens there; the SDK would leave a socket open."""
    if not address.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(min(seconds, _SECONDS))
        knocking.connect(address.removeprefix("unix://"))


def one_line(error: BaseException) -> str:
    """The innermost cause in one line; the outer errors only repeat it."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, OSError) and error.strerror:
        return error.strerror  # without its number
    return " ".join(str(error).split()) or type(error).__name__
