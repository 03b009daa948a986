"""On which version of its API an engine and the SDK agree; the engine is played."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from harness.errors import EngineGone
from harness.manifest.model import RuntimeName
from harness.runtimes.engine import Engine


@dataclass
class Played:
    """What an engine is asked and how it answers; it refuses newer versions than its own."""

    version: str = "1.41"
    well: bool = True
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, object]:
        """Status and JSON."""
        self.asked.append(path)
        if not self.well:
            return 500, {"message": "not well"}
        if path == "/version":
            return 200, {"ApiVersion": self.version, "MinAPIVersion": "1.24"}
        wanted = re.match(r"/v(1\.\d+)/", path)
        if wanted and wanted[1] > self.version:
            return 400, {"message": f"client version {wanted[1]} is too new"}
        return 200, "OK"


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def engine(played: Played) -> Iterator[Engine]:
    """An engine that listens on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, found = played.answer(self.path)
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield Engine(name=RuntimeName.DOCKER, address=f"tcp://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def test_the_version_is_asked_once(engine: Engine, played: Played) -> None:
    for _ in range(3):
        with engine.client() as client:
            assert client.api.api_version == "1.41"
    assert played.asked == ["/version", *["/v1.41/_ping"] * 3]


def test_an_engine_that_was_replaced_by_an_older_one_is_asked_again(
    engine: Engine, played: Played
) -> None:
    engine.connect().close()
    played.version = "1.40"
    for _ in range(2):
        with engine.client() as client:
            assert client.api.api_version == "1.40"
    assert played.asked.count("/version") == 2


def test_an_engine_that_was_replaced_by_a_newer_one_goes_on_with_the_old_version(
    engine: Engine, played: Played
) -> None:
    engine.connect().close()
    played.version = "1.43"
    with engine.client() as client:
        assert client.api.api_version == "1.41"


def test_an_engine_that_answers_with_an_error_is_gone_until_it_is_well(
    engine: Engine, played: Played
) -> None:
    engine.connect().close()
    played.well = False
    for _ in range(2):
        with pytest.raises(EngineGone, match="no docker engine answers"):
            engine.connect()
    played.well = True
    engine.connect().close()
