"""Downloads from a real server on this machine: broken off, resumed, moved, wrong, dead."""

import hashlib
import http.server
import itertools
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.assets.assets import Assets
from harness.assets.download import download
from harness.errors import MismatchError, NotReadyError
from harness.layout import CacheLayout
from harness.manifest.catalogue import Asset, Unpack
from harness.manifest.contract import PlainFile

BODY = np.random.default_rng(0).bytes(700_000)
SHA = hashlib.sha256(BODY).hexdigest()


@dataclass
class Server:
    """What the server does, and what it was asked."""

    body: bytes = BODY
    cuts: list[int] = field(default_factory=list)  # bytes to send before breaking off, per answer
    ranges: bool = True
    etag: str | None = '"one"'
    status: int = 200
    length: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def url(self, name: str = "net.pth") -> str:
        return f"http://127.0.0.1:{self.port}/{name}?download=1"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as its server's state says."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    @property
    def state(self) -> Server:
        return self.server.state  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        self.state.asked.append(dict(self.headers))
        start = self.start()
        if start and start >= len(self.state.body):
            self.send_error(416)
        elif self.state.status != 200:
            self.send_error(self.state.status)
        else:
            self.answer(start)

    def start(self) -> int:
        asked = self.headers.get("Range", "")
        same = self.headers.get("If-Range", self.state.etag) == self.state.etag
        if not (asked and self.state.ranges and same):
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def answer(self, start: int) -> None:
        body, total = self.state.body[start:], len(self.state.body)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if self.state.length:
            self.send_header("Content-Length", str(len(body)))
        if self.state.etag:
            self.send_header("ETag", self.state.etag)
        self.end_headers()
        self.wfile.write(body[: self.state.cuts.pop(0)] if self.state.cuts else body)
        self.close_connection = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.state = Server(port=running.server_port)  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running.state  # type: ignore[attr-defined]
        running.shutdown()
        thread.join()


@pytest.fixture
def dead() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}/net.pth"


def get(tmp_path: Path, *urls: str, checksum: str | None = f"sha256:{SHA}", **more: Any) -> Path:
    return download(urls, tmp_path / "net.pth", checksum, pause=0, **more)


def test_whole_file(tmp_path: Path, server: Server) -> None:
    seen: list[tuple[int, int | None]] = []
    file = get(tmp_path, server.url(), progress=lambda done, total: seen.append((done, total)))
    assert file.read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]
    assert seen[-1] == (len(BODY), len(BODY))
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(seen))


def test_broken_off_twice_and_continued(tmp_path: Path, server: Server) -> None:
    server.cuts = [300_000, 200_000]
    assert get(tmp_path, server.url()).read_bytes() == BODY
    starts = [asked.get("Range") for asked in server.asked]
    assert starts[0] is None
    assert len(starts) == 3
    first, second = (int(start.removeprefix("bytes=").rstrip("-")) for start in starts[1:])
    assert 200_000 < first <= 300_000 < second <= 500_000
    assert server.asked[1]["If-Range"] == '"one"'


def test_broken_off_for_good_and_continued_by_the_next_call(tmp_path: Path, server: Server) -> None:
    server.cuts = [300_000, 0, 0, 0]
    with pytest.raises(NotReadyError, match="could not be downloaded") as raised:
        get(tmp_path, server.url())
    assert "what has arrived is kept" in raised.value.hint
    assert not (tmp_path / "net.pth").exists()
    count = len(server.asked)
    assert get(tmp_path, server.url()).read_bytes() == BODY
    assert len(server.asked) == count + 1
    assert server.asked[-1]["Range"].startswith("bytes=2")


@pytest.mark.parametrize("checksum", [f"sha256:{SHA}", None])
def test_file_that_changed_meanwhile_is_fetched_from_the_start(
    tmp_path: Path, server: Server, checksum: str | None
) -> None:
    server.cuts = [300_000, 0, 0, 0]
    server.body = bytes(700_000)
    with pytest.raises(NotReadyError):
        get(tmp_path, server.url(), checksum=checksum)
    server.body, server.etag = BODY, '"two"'
    assert get(tmp_path, server.url(), checksum=checksum).read_bytes() == BODY


def test_without_checksum_or_tag_nothing_is_continued(tmp_path: Path, server: Server) -> None:
    server.etag, server.cuts = None, [300_000]
    assert get(tmp_path, server.url(), checksum=None).read_bytes() == BODY
    assert "Range" not in server.asked[1]


def test_server_without_ranges(tmp_path: Path, server: Server) -> None:
    server.ranges, server.cuts = False, [300_000]
    assert get(tmp_path, server.url()).read_bytes() == BODY


def test_part_longer_than_the_file(tmp_path: Path, server: Server) -> None:
    server.body, server.cuts = BODY + BODY, [1_000_000, 0, 0, 0]
    with pytest.raises(NotReadyError):
        get(tmp_path, server.url())
    server.body = BODY
    assert get(tmp_path, server.url()).read_bytes() == BODY


def test_dead_address_then_a_good_one(tmp_path: Path, server: Server, dead: str) -> None:
    assert get(tmp_path, dead, server.url()).read_bytes() == BODY


def test_wrong_file_then_a_good_one(tmp_path: Path, server: Server, dead: str) -> None:
    server.body = b"<html>moved</html>"
    with pytest.raises(MismatchError) as raised:
        get(tmp_path, dead, server.url())
    wrong = hashlib.sha256(server.body).hexdigest()
    for part in (dead, server.url(), SHA, wrong, "nothing was kept"):
        assert part in str(raised.value)
    assert raised.value.exit_code == 4
    assert list(tmp_path.iterdir()) == []
    server.body = BODY
    assert get(tmp_path, server.url()).read_bytes() == BODY


@pytest.mark.parametrize("status", [403, 404, 503])
def test_refusal(tmp_path: Path, server: Server, status: int) -> None:
    server.status = status
    with pytest.raises(NotReadyError, match=str(status)):
        get(tmp_path, server.url())
    assert len(server.asked) == (1 if status < 500 else 3)
    assert list(tmp_path.iterdir()) == []


def test_length_unknown(tmp_path: Path, server: Server) -> None:
    server.length = False
    seen: list[int | None] = []
    get(tmp_path, server.url(), progress=lambda _, total: seen.append(total))
    assert set(seen) == {None}


# --- assets -----------------------------------------------------------------------------------------


def assets(tmp_path: Path, **fields: Any) -> Assets:
    contract = PlainFile(kind="file", min_bytes=1000)
    fields = {"title": "a network", "size_gb": 0.1, "contract": contract} | fields
    return Assets(
        {"net": Asset(**fields)}, CacheLayout(tmp_path / "cache"), tmp_path / "runs" / "trust.json"
    )


def test_asset_is_fetched_once(tmp_path: Path, server: Server) -> None:
    made = assets(tmp_path, urls=(server.url("r50-19c8e357.pth"),))
    assert made.digest("net") == "unverified:net"
    place = made.fetch("net")
    assert place == (tmp_path / "cache" / "assets" / "net" / "r50-19c8e357.pth").resolve()
    assert place.read_bytes() == BODY
    assert made.fetch("net") == made.locate("net") == place
    assert made.digest("net") == SHA
    assert len(server.asked) == 1


def test_many_fetch_one_downloads(tmp_path: Path, server: Server) -> None:
    made = assets(tmp_path, urls=(server.url(),), sha256=SHA)
    threads = [threading.Thread(target=made.fetch, args=("net",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.locate("net").read_bytes() == BODY
    assert len(server.asked) == 1


def test_mismatch_leaves_no_asset(tmp_path: Path, server: Server) -> None:
    made = assets(tmp_path, urls=(server.url(),), sha256="0" * 64)
    with pytest.raises(MismatchError):
        made.fetch("net")
    assert not (tmp_path / "cache" / "assets" / "net").exists()
    with pytest.raises(NotReadyError):
        made.locate("net")


def test_right_checksum_but_wrong_content(tmp_path: Path, server: Server) -> None:
    strict = PlainFile(kind="file", min_bytes=10**6)
    made = assets(tmp_path, urls=(server.url(),), sha256=SHA, contract=strict)
    with pytest.raises(MismatchError, match="at least 1000000 bytes"):
        made.fetch("net")
    assert not (tmp_path / "cache" / "assets" / "net").exists()
    assert not (tmp_path / "runs" / "trust.json").exists()


def test_cut_off_archive_without_checksum(tmp_path: Path, server: Server) -> None:
    unpack = Unpack(format="tar", member="VOC2012")
    made = assets(tmp_path, urls=(server.url("voc.tar"),), unpack=unpack)
    with pytest.raises(MismatchError, match="cannot be unpacked as tar"):
        made.fetch("net")
    assert not list((tmp_path / "cache").rglob("*.tar"))
