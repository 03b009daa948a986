"""A server with a certificate of one's own: downloads and git trust the one bundle that is named."""

import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.assets.download import download
from harness.certificates import VARIABLES, find_ca_bundle
from harness.errors import NotReadyError
from harness.sources.git import GitCommands


class Silent(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a word."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def certificate(tmp_path: Path, require: Callable[[bool, str], None]) -> Path:
    """A certificate of 127.0.0.1 that signs itself; its key lies beside it."""
    require(shutil.which("openssl") is not None, "openssl is not installed")
    path = tmp_path / "own.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", str(tmp_path / "key.pem"), "-out", str(path), "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.fixture
def address(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server's, which shows the folder `served`."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "served").mkdir()
    handler = partial(Silent, directory=str(tmp_path / "served"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "name", ["HARNESS_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO", "SSL_CERT_FILE"]
)
def test_downloads_and_git_trust_one_bundle(
    tmp_path: Path, certificate: Path, address: str, name: str
) -> None:
    (tmp_path / "served" / "weights.bin").write_bytes(b"weights")
    bundle = find_ca_bundle(None, {name: str(certificate)})
    got = download([f"{address}/weights.bin"], tmp_path / "got", None, pause=0, ca_bundle=bundle)
    assert got.read_bytes() == b"weights"
    assert "not found" in said_of_a_fetch(GitCommands(bundle), tmp_path, address)


def test_without_the_bundle_neither_trusts_it(tmp_path: Path, address: str) -> None:
    with pytest.raises(NotReadyError, match=r"certificate verify failed|SSLError"):
        download([f"{address}/weights.bin"], tmp_path / "got", None, pause=0)
    assert "certificate" in said_of_a_fetch(GitCommands(), tmp_path, address)


def said_of_a_fetch(git: GitCommands, folder: Path, address: str) -> str:
    """What git says of a repository that the server does not have."""
    git.create(folder / "bare.git")
    with pytest.raises(NotReadyError) as error:
        git.fetch(folder / "bare.git", f"{address}/tool.git", "1" * 40)
    return str(error.value)
