"""Unit tests touch nothing: no process, no network, no engine."""

import socket
import subprocess
from typing import Any

import pytest


class Untouchable(AssertionError):
    """A unit test reached for the world."""


@pytest.fixture(autouse=True)
def _no_world(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise Untouchable(f"unit tests start nothing: {args[:2]} {sorted(kwargs)}")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
