"""The containers of steps that an engine still has: find, list and remove them."""

from typing import TYPE_CHECKING

from harness.errors import EngineGone
from harness.runtimes.engine import RUNNING, engine_errors
from harness.runtimes.runtime import Survivor

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

#: The label with the UUIDs of the GPUs that a container holds.
GPUS = "harness.gpus"
#: The label that every container of a step carries.
_KEY = "harness.key"
_ALREADY_REMOVED = {404, 409}  # no such container; its removal is under way


def find(client: "DockerClient", name: str) -> "Container | None":
    """Find the container of that name."""
    import docker

    try:
        return client.containers.get(name)
    except docker.errors.NotFound:
        return None


def step_containers(client: "DockerClient") -> list[Survivor]:
    """List the containers of all steps, whoever started them."""
    found = client.containers.list(all=True, filters={"label": _KEY}, ignore_removed=True)
    return [
        Survivor(
            name=str(container.name),
            labels=dict(container.labels),
            running=container.status in RUNNING,
            gpus=tuple(filter(None, container.labels.get(GPUS, "").split(","))),
        )
        for container in found
    ]


def remove(container: "Container", grace: int) -> None:
    """Stop the container if it runs (TERM, grace, KILL) and remove it. Raises EngineGone."""
    try:
        if container.status in RUNNING and grace:
            container.stop(timeout=grace)
        container.remove(force=True, v=True)
    except engine_errors(OSError) as error:
        if getattr(error, "status_code", None) in _ALREADY_REMOVED:
            return
        raise EngineGone(
            f"container {container.name} was left behind: {error}",
            hint="run the same command again once the engine answers, or `harness gc`",
        ) from error
