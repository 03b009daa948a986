"""What every test may use: how a missing tool is treated."""

import os
from collections.abc import Callable

import pytest

from tests.services.docker_engine import docker_host, own_engine
from tests.services.podman_engine import podman_host

__all__ = ["docker_host", "own_engine", "podman_host"]


@pytest.fixture(scope="session")
def require() -> Callable[[bool, str], None]:
    """Skip when a tool is missing on a user's machine; under CI=true that is a failure."""

    def check(there: bool, reason: str) -> None:
        if there:
            return
        if os.environ.get("CI") == "true":
            pytest.fail(f"missing under CI: {reason}")
        pytest.skip(reason)

    return check
