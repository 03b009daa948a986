"""A Podman engine with a base image, for tests: the one CONTAINER_HOST names, else one of our own."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.services.lending import lent

_PROGRAMS = ("podman", "runc", "catatonit", "debootstrap", "curl")


@pytest.fixture(scope="session")
def podman_host(require: Callable[[bool, str], None]) -> Iterator[str]:
    """The address of an engine that has the base image. Ours stops with the last test process."""
    given = os.environ.get("CONTAINER_HOST")
    if given:
        yield given
        return
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    require(not missing, f"not installed: {', '.join(missing)} (packages of the same names)")
    with lent("podman", "CONTAINER_HOST") as host:
        yield host
