"""A Podman engine with a base image, for tests: the one CONTAINER_HOST names, else one of our own."""

import os
from collections.abc import Iterator

import pytest

from tests.services.lending import lent


@pytest.fixture(scope="session")
def podman_host() -> Iterator[str]:
    """The address of an engine that has the base image. Ours stops with the last test process."""
    given = os.environ.get("CONTAINER_HOST")
    if given:
        yield given
        return
    with lent("podman", "CONTAINER_HOST", "base") as host:
        yield host
