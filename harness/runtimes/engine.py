"""Connect to a container engine through the Docker SDK: Docker's own, or Podman's socket."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import EngineGone
from harness.manifest.model import RuntimeName

if TYPE_CHECKING:
    from docker import DockerClient

_SECONDS = 30
#: For what may say nothing for long: a build's silent download, an image on its way.
A_DAY = 24 * 3600
_DOCKER_DEFAULT = "unix:///var/run/docker.sock"
_PODMAN_DEFAULT = "unix:///run/podman/podman.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A container engine by name, and where it is looked for."""

    name: RuntimeName
    address: str

    @classmethod
    def find(cls, name: RuntimeName, environ: Mapping[str, str]) -> "Engine":
        """Where it listens: DOCKER_HOST (Podman: CONTAINER_HOST first), else the default."""
        given = environ.get("DOCKER_HOST")
        if name is not RuntimeName.PODMAN:
            return cls(name=name, address=given or _DOCKER_DEFAULT)
        folder = environ.get("XDG_RUNTIME_DIR")
        own = f"{folder}/podman/podman.sock" if folder else ""
        default = f"unix://{own}" if own and Path(own).exists() else _PODMAN_DEFAULT
        return cls(name=name, address=environ.get("CONTAINER_HOST") or given or default)

    def connect(self, seconds: int = _SECONDS) -> "DockerClient":
        """A client of its own (they are not to be shared by threads). Raises EngineGone."""
        import docker
        import requests

        environ = {**os.environ, "DOCKER_HOST": self.address}
        try:
            _knock(self.address)
            client = docker.from_env(timeout=seconds, environment=environ)
            client.ping()
        except (OSError, docker.errors.DockerException, requests.RequestException) as error:
            raise EngineGone(
                f"no {self.name} engine answers at {self.address}: {_reason(error)}",
                hint=f"start {self.name}, or say in DOCKER_HOST where it listens; "
                "--runtime process needs no engine",
            ) from error
        return client

    @contextmanager
    def client(self, seconds: int = _SECONDS) -> Iterator["DockerClient"]:
        """A client, closed at the end. Raises EngineGone."""
        client = self.connect(seconds)
        try:
            yield client
        finally:
            client.close()


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: the SDK would then leave a socket open."""
    if not address.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(_SECONDS)
        knocking.connect(address.removeprefix("unix://"))


def _reason(error: BaseException) -> str:
    """The innermost cause in one line: the outer ones wrap it in several layers of words."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return " ".join(str(error).split()) or type(error).__name__
