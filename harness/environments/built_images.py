"""The images that harness built and an engine still has."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

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
            # In one request: to ask for each listed image fails where one is removed meanwhile.
            return [
                BuiltImage(
                    name,
                    image["Labels"][_ENVIRONMENT],
                    UNCHECKED not in name,
                    int(image["Size"]),
                    partial(self._remove, name),
                )
                for image in client.api.images(filters={"label": _ENVIRONMENT})
                for name in _names(image)
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


def _names(image: Mapping[str, Any]) -> list[str]:
    """An image's tags, or its id where it has lost them."""
    tags = [tag for tag in image["RepoTags"] or () if not tag.startswith("<none>")]
    return tags or [str(image["Id"])]
