"""The images that harness built and an engine still has."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from harness.environments.builder import UNCHECKED
from harness.errors import NotReadyError
from harness.manifest.model import RuntimeName
from harness.runtimes.engine import Engine

#: The label with the environment id, on every image that harness built.
_ENVIRONMENT = "harness.environment"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that a harness built."""

    name: str
    environment: str
    checked: bool  # False: it was refused, or its build did not end
    size: int  # with the layers that it shares
    remove: Callable[[], None]


class BuiltImages:
    """The images of environments that an engine has, and their removal."""

    def __init__(self, engine: RuntimeName) -> None:
        self._engine = Engine.find(engine, os.environ)

    def list(self) -> list[BuiltImage]:
        """All of them. Raises NotReadyError where there is no engine."""
        with self._engine.client() as client:
            images = client.images.list(filters={"label": _ENVIRONMENT})
            return [
                BuiltImage(
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
