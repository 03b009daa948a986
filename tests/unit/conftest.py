"""Unit tests touch nothing: no process, no network, no engine."""

import json
import socket
import subprocess
from typing import Any

import pytest

from harness.contracts import outputs
from harness.contracts.confined import Confined


class Untouchable(AssertionError):
    """A unit test reached for the world."""


@pytest.fixture(autouse=True)
def _no_world(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise Untouchable(f"unit tests start nothing: {args[:2]} {sorted(kwargs)}")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def _unconfined(monkeypatch: pytest.MonkeyPatch) -> None:
    """What child processes do for untrusted files is done here: unit tests trust their own files."""

    def call(
        _: Confined, function: Any, *args: object, what: str, seconds: float = 0, stop: Any = None
    ) -> Any:
        del what, seconds, stop
        return json.loads(json.dumps(function(*args)))

    monkeypatch.setattr(Confined, "call", call)
    monkeypatch.setattr(Confined, "start", lambda *_: None)
    monkeypatch.setattr(outputs, "allow_memory_for", lambda _: None)
