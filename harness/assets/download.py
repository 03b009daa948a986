"""Download files over HTTP: resumed after a break, from several addresses, under one checksum."""

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.errors import MismatchError, NotReadyError

if TYPE_CHECKING:
    from requests import Response

Progress: TypeAlias = Callable[[int, int | None], None]  # bytes there, bytes in all if known

_TRIES = 3  # in a row without a single new byte
_CHUNK = 1 << 16
_TIMEOUT = (15, 60)  # seconds: to connect, between two reads
_RESUMED, _RANGE_REFUSED, _SERVER_ERROR = 206, 416, 500

log = logging.getLogger(__name__)


class BrokenOffError(Exception):
    """The connection broke off; what has arrived is kept and may be continued."""


class RefusedError(Exception):
    """The server will not send the file; another try is in vain."""


def download(
    urls: Sequence[str],
    target: Path,
    checksum: str | None,
    progress: Progress | None = None,
    pause: float = 1.0,
    *,
    ca_bundle: Path | None = None,
) -> Path:
    """Fetch `target` from the first of `urls` whose content matches `checksum` (`sha256:…`).

    What arrived before a break is kept beside `target` and continued by the next call; `target`
    itself appears whole or not at all. `pause` is the first wait between tries in seconds. Servers
    are trusted by the certificates of `ca_bundle`, else by those that requests comes with.

    Raises:
        MismatchError: a server sent another file, and no other server the right one.
        NotReadyError: no server could be reached or sent the whole file.

    """
    import pooch

    pooch.get_logger().setLevel(logging.ERROR)  # it announces every download on stderr
    target.parent.mkdir(parents=True, exist_ok=True)
    failures, mismatch = [], False
    for url in urls:
        checked = checksum is not None
        fetch = Resuming(_part(target, url), checked, progress, pause, ca_bundle=ca_bundle)
        try:
            pooch.retrieve(url, checksum, target.name, target.parent, downloader=fetch)
        except (BrokenOffError, RefusedError) as error:
            failures.append(f"{url}: {error}")
        except ValueError as error:  # pooch's word for another checksum; it has removed the file
            failures.append(f"{url}: {error}")
            mismatch = True
        else:
            return target
        log.warning("download failed: %s", failures[-1])
    if mismatch:
        raise MismatchError(
            f"{target.name} does not match its checksum; nothing was kept\n" + "\n".join(failures),
            hint="a proxy or a moved page may have answered in its place; look at the address",
        )
    raise NotReadyError(
        f"{target.name} could not be downloaded\n" + "\n".join(failures),
        hint="try again: what has arrived is kept and continued",
    )


def _part(target: Path, url: str) -> Path:
    return target.with_name(f"{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part")


@dataclass(frozen=True, slots=True)
class Resuming:
    """A downloader for pooch that continues the file `partial`.

    Without a checksum it is continued only if the server shows that its file is the same.
    """

    partial: Path
    checked: bool
    progress: Progress | None = None
    pause: float = 1.0
    ca_bundle: Path | None = None

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        """Download `url` whole, then put it in the place of `output_file`."""
        vain = 0
        while True:
            before = self._size()
            try:
                self._continue(url)
                break
            except BrokenOffError as error:
                vain = 0 if self._size() > before else vain + 1
                if vain >= _TRIES:
                    raise
                log.warning("%s broke off at %d bytes (%s)", url, self._size(), error)
                time.sleep(self.pause * 2**vain)
        self._note.unlink(missing_ok=True)
        self.partial.replace(output_file)

    @property
    def _note(self) -> Path:
        """Beside the partial file: what identifies the server's file."""
        return self.partial.with_suffix(".json")

    def _size(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _continue(self, url: str) -> None:
        import requests

        trusted = str(self.ca_bundle) if self.ca_bundle else True
        try:
            with requests.get(
                url, headers=self._headers(), stream=True, timeout=_TIMEOUT, verify=trusted
            ) as answer:
                self._accept(answer)
                start = self._start(answer)
                self._write(answer, start)
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise BrokenOffError(_reason(error)) from error
        except requests.RequestException as error:
            raise RefusedError(_reason(error)) from error

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        size, validator = self._size(), self._validator()
        if size and (validator or self.checked):
            headers["Range"] = f"bytes={size}-"
            if validator:
                headers["If-Range"] = validator
        return headers

    def _validator(self) -> str | None:
        try:
            validator: str | None = json.loads(self._note.read_text())["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return validator

    def _accept(self, answer: "Response") -> None:
        """Sort out answers without a body that is wanted."""
        if answer.status_code == _RANGE_REFUSED:  # it is longer than the file: start over
            self.partial.unlink(missing_ok=True)
            raise BrokenOffError("the server has no such range")
        if answer.status_code >= _SERVER_ERROR:
            raise BrokenOffError(f"{answer.status_code} {answer.reason}")
        if not answer.ok:
            raise RefusedError(f"{answer.status_code} {answer.reason}")

    def _start(self, answer: "Response") -> int:
        """The byte at which the answer's body starts."""
        if answer.status_code != _RESUMED:
            tag = answer.headers.get("ETag", "")
            strong = tag if tag and not tag.startswith("W/") else None
            validator = strong or answer.headers.get("Last-Modified")
            self._note.write_text(json.dumps({"validator": validator}))
            return 0
        spoken = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
        if spoken is None or int(spoken[1]) != self._size():
            self.partial.unlink(missing_ok=True)
            raise BrokenOffError("the server sent another range than asked for")
        return int(spoken[1])

    def _write(self, answer: "Response", start: int) -> None:
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdecimal() else None
        done = start
        with self.partial.open("ab" if start else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if self.progress is not None:
                    self.progress(done, total)
        if total is not None and done < total:
            raise BrokenOffError(f"{done} of {total} bytes")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
