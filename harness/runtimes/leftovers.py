"""What an engine still has of ours: containers of steps, images of environments."""

from typing import TYPE_CHECKING

from harness.errors import EngineGone
from harness.runtimes.container_settings import GPUS
from harness.runtimes.runtime import Survivor

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

#: The label that every container of a step carries.
_KEY = "harness.key"
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
