"""A registry on loopback (Debian's docker-registry), for tests of pushes, digests and moved tags."""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

_SETTINGS = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {root}
  delete:
    enabled: true
http:
  addr: {address}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of an empty registry."""
    with socket.socket() as finding:
        finding.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{finding.getsockname()[1]}"
    settings, log = tmp_path / "registry.yml", tmp_path / "registry.log"
    settings.write_text(_SETTINGS.format(root=tmp_path / "registry", address=address))
    with log.open("wb") as stream:
        serving = subprocess.Popen(
            ["docker-registry", "serve", str(settings)], stdout=stream, stderr=stream
        )
    try:
        _wait(f"http://{address}/v2/", serving, log)
        yield address
    finally:
        serving.terminate()
        serving.wait(30)


def _wait(address: str, serving: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and serving.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the registry does not answer: {log.read_text()}")
