"""Follow a container's log into a file, whatever happens to the connection."""

import logging
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from threading import Event, Thread
from typing import Any

from harness.errors import NotReadyError
from harness.runtimes.engine import Engine

_logger = logging.getLogger(__name__)
_AGAIN_SECONDS = 0.5
_LAST_WORDS_SECONDS = 2.0


class LogFollower:
    """Copies a container's stdout and stderr, in order, byte for byte, in a thread of its own.

    A broken connection is taken up again: the engine tells the log from its start, and what was
    written already is skipped.
    """

    def __init__(self, engine: Engine, container: str, log: Path) -> None:
        self._engine, self._container, self._log = engine, container, log
        self._stream: Any = None
        self._over = Event()
        self._thread = Thread(target=self._follow, name=f"log-{container[:12]}", daemon=True)

    def start(self) -> None:
        """Begin; the container must have been created."""
        self._thread.start()

    def finish(self) -> None:
        """Copy the rest of a container that has ended, and stop."""
        self._over.set()
        self._thread.join(_LAST_WORDS_SECONDS)
        if self._thread.is_alive():  # Podman's service does not always end a log with its container
            self._hang_up()
            self._thread.join(_LAST_WORDS_SECONDS)
        if self._thread.is_alive():
            _logger.warning("the log of container %s does not end", self._container)
            return
        with self._log.open("ab", buffering=0) as file:
            self._copy(file, follow=False)

    def _hang_up(self) -> None:
        import docker

        stream = self._stream
        if stream is not None:
            with suppress(OSError, docker.errors.DockerException):  # it has just ended by itself
                stream.close()

    def _follow(self) -> None:
        with self._log.open("wb", buffering=0) as file:
            while not self._copy(file, follow=True) and not self._over.wait(_AGAIN_SECONDS):
                pass

    def _copy(self, file: RawIOBase, *, follow: bool) -> bool:
        """Copy what was not yet written; whether the log ended rather than the connection."""
        import docker
        import requests
        import urllib3

        skip = file.tell()
        try:
            with self._engine.client() as client:
                self._stream = client.api.logs(
                    self._container, stream=True, follow=follow, stdout=True, stderr=True
                )
                for chunk in self._stream:
                    fresh = chunk[skip:]
                    skip -= len(chunk) - len(fresh)
                    while fresh:
                        fresh = fresh[file.write(fresh) :]
        except (
            NotReadyError,
            OSError,
            docker.errors.DockerException,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
        ) as error:
            _logger.info("the log of container %s broke off: %s", self._container, error)
            return False
        return True
