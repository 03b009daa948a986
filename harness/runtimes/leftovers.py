"""What an engine still has of ours: containers of steps, images of environments."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.environments.builder import UNCHECKED
from harness.errors import EngineGone, NotReadyError
from harness.manifest.model import RuntimeName
from harness.runtimes.container_settings import GPUS
from harness.runtimes.engine import Engine
from harness.runtimes.runtime import Survivor

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

#: The label that every container of a step carries.
_KEY = "harness.key"
#: The label with the environment id, on every image that harness built.
_ENVIRONMENT = "harness.environment"
_RUNNING = {"running", "paused", "restarting"}
_SOMEBODY_WAS_QUICKER = {404, 409}  # no such container; its removal is under way


def find(client: "DockerClient", name: str) -> "Container | None":
    """The container of that name."""
    import docker

    try:
        return client.containers.get(name)
    except docker.errors.NotFound:
        return None


def step_containers(client: "DockerClient") -> list[Survivor]:
    """Every container of a step, whoever started it."""
    found = client.containers.list(all=True, filters={"label": _KEY}, ignore_removed=True)
    return [
        Survivor(
            name=str(container.name),
            labels=dict(container.labels),
            running=container.status in _RUNNING,
            gpus=tuple(filter(None, container.labels.get(GPUS, "").split(","))),
        )
        for container in found
    ]


def remove(container: "Container", grace: int) -> None:
    """TERM, grace, KILL if it runs; then remove it. Raises EngineGone."""
    import docker
    import requests

    try:
        if container.status in _RUNNING and grace:
            container.stop(timeout=grace)
        container.remove(force=True, v=True)
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        if getattr(error, "status_code", None) in _SOMEBODY_WAS_QUICKER:
            return
        raise EngineGone(
            f"container {container.name} was left behind: {error}",
            hint="run the same command again once the engine answers, or `harness gc`",
        ) from error


@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image that a harness built."""

    name: str
    environment: str
    checked: bool  # False: it was refused, or its build did not end
    size: int  # with the layers that it shares
    remove: Callable[[], None]


class MadeImages:
    """The images of environments that an engine has, and their removal."""

    def __init__(self, engine: RuntimeName) -> None:
        self._engine = Engine.find(engine, os.environ)

    def list(self) -> list[MadeImage]:
        """All of them. Raises NotReadyError where there is no engine."""
        with self._engine.client() as client:
            images = client.images.list(filters={"label": _ENVIRONMENT})
            return [
                MadeImage(
                    name,
                    image.labels[_ENVIRONMENT],
                    UNCHECKED not in name,
                    int(image.attrs["Size"]),
                    partial(self._remove, name),
                )
                for image in images
                for name in image.tags or [str(image.id)]
            ]

    def _remove(self, name: str) -> None:
        import docker

        with self._engine.client() as client:
            try:
                client.images.remove(name)
            except docker.errors.ImageNotFound:
                return
            except docker.errors.APIError as error:
                raise NotReadyError(
                    f"{name} was left: {error.explanation}", hint="remove its containers first"
                ) from error
