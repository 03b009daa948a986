"""Watch one container until it ends, and copy its log into a file."""

import datetime as dt
import logging
import re
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from harness.errors import NotReadyError
from harness.runtimes.engine import ENDED, Engine, engine_errors
from harness.runtimes.memory import MemoryPeak
from harness.runtimes.runtime import Cause, Command, Exit

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_logger = logging.getLogger(__name__)
_SIGNALLED = 128
_CANNOT_START = 127
_UNKNOWN = 255  # the exit code of a container whose end its engine did not see
_AGAIN_SECONDS = 0.5
_LAST_WORDS_SECONDS = 2.0


class ContainerWatch:
    """Looks at one container until it has ended or its engine has not answered for too long."""

    def __init__(
        self,
        client: "DockerClient",
        container: "Container",
        patience: float,
        *,
        attached: bool = False,
    ) -> None:
        self._client, self._container, self._patience = client, container, patience
        self._attached = attached  # this process did not see the container start
        self._lost_since: float | None = None
        self._outage = ""
        self._memory = MemoryPeak()

    @property
    def peak_memory_gb(self) -> float | None:
        """The most memory of its processes; None where they could not be looked at."""
        return self._memory.gb

    def look(self) -> Exit | None:
        """How the container ended; None while it runs."""
        import docker

        try:
            state = self._client.api.inspect_container(str(self._container.id))["State"]
        except docker.errors.NotFound:
            return Exit(cause=Cause.INFRASTRUCTURE, detail="somebody removed the container")
        except engine_errors(OSError) as error:
            return self._lost(error)
        self._lost_since = None
        self._memory.look_inside(state.get("Pid", 0), str(self._container.id))
        return self._exit(state) if state.get("Status") in ENDED else None

    def end(self, grace: int) -> None:
        """Stop it: TERM, grace, KILL. If the engine does not answer, `discard` stops it later."""
        try:
            self._container.stop(timeout=grace)
        except engine_errors() as error:
            _logger.info("container %s is not stopped yet: %s", self._container.name, error)

    def _lost(self, error: Exception) -> Exit | None:
        self._outage = self._outage or f"the engine stopped answering: {error}"
        now = time.monotonic()
        self._lost_since = self._lost_since or now
        if now - self._lost_since < self._patience:
            return None
        return Exit(cause=Cause.INFRASTRUCTURE, detail=self._outage, lost=True)

    def _exit(self, state: Mapping[str, Any]) -> Exit:
        code = int(state.get("ExitCode", -1))
        if code == 0 and not state.get("Error"):
            return Exit(cause=Cause.DONE, code=0)
        if state.get("OOMKilled"):
            return Exit(cause=Cause.OOM, code=code)
        number = code - _SIGNALLED
        name = signal.Signals(number).name if number in set(signal.Signals) else None
        outside = self._outside(state, code, name)
        if outside is not None:
            return Exit(cause=Cause.INFRASTRUCTURE, code=code, detail=outside)
        if name is not None:
            return Exit(cause=Cause.SIGNAL, code=code, signal=name)
        return Exit(cause=Cause.STEP, code=code, detail=str(state.get("Error") or ""))

    def _outside(self, state: Mapping[str, Any], code: int, signal_: str | None) -> str | None:
        """What ended the container from outside; None if nothing did or its state shows it."""
        if self._outage:  # the engine's end may have caused any exit code
            return self._outage
        if self._attached and code == _UNKNOWN:
            return "it ended with its engine, unseen"
        sent = None if signal_ else self._signal_sent(state)
        return f"somebody sent it signal {sent}" if sent else None

    def _signal_sent(self, state: Mapping[str, Any]) -> str | None:
        """The first signal that the engine sent, for a client or because the engine shut down."""
        try:
            events = self._client.api.events(
                since=_second(state["StartedAt"]),
                until=_second(state["FinishedAt"]) + 1,
                filters={"container": str(self._container.id), "event": "kill"},
                decode=True,
            )
            sent = [str(event["Actor"]["Attributes"]["signal"]) for event in events]
        except engine_errors(KeyError) as error:
            _logger.info("no events of container %s: %s", self._container.name, error)
            return None
        return next(iter(sent), None)


class LogFollower:
    """Copies a container's stdout and stderr, byte for byte, in a thread, until its block ends.

    After a broken connection the engine sends the log from its start again, and the part that the
    file already has is skipped.
    """

    def __init__(self, engine: Engine, container: str, log: Path) -> None:
        self._engine, self._container, self._log = engine, container, log
        self._stream: Any = None
        self._over = Event()
        self._thread = Thread(target=self._follow, name=f"log-{container[:12]}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
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
        stream = self._stream
        if stream is not None:
            with suppress(OSError, *engine_errors()):  # it may have just ended by itself
                stream.close()

    def _follow(self) -> None:
        with self._log.open("wb", buffering=0) as file:
            while not self._copy(file, follow=True) and not self._over.wait(_AGAIN_SECONDS):
                pass

    def _copy(self, file: RawIOBase, *, follow: bool) -> bool:
        """Copy what the file does not have; False if the connection broke before the log ended."""
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
        except engine_errors(NotReadyError, OSError, urllib3.exceptions.HTTPError) as error:
            _logger.info("the log of container %s broke off: %s", self._container, error)
            return False
        return True


def _second(moment: str) -> int:
    return int(dt.datetime.fromisoformat(moment).timestamp())


def not_started(error: Any, command: Command) -> Exit:
    """The end of a container that the engine could not start. Raises NotReadyError for a GPU."""
    reason = str(error.explanation)
    if "could not select device driver" in reason or "nvidia" in reason.lower():
        raise NotReadyError(
            f"the engine has no GPU for {command.name}: {reason}",
            hint="install the NVIDIA container toolkit; --scale smoke needs no GPU",
        ) from error
    if re.search(r"exec(utable)?\b[^\n]*(not found|no such file|permission denied)", reason):
        return Exit(cause=Cause.STEP, code=_CANNOT_START, detail=reason)
    return Exit(cause=Cause.INFRASTRUCTURE, detail=reason)
