"""Watch one container until it has ended, or its engine has not answered for too long."""

import datetime as dt
import logging
import re
import signal
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.errors import NotReadyError
from harness.runtimes.runtime import Cause, Command, Exit

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_logger = logging.getLogger(__name__)
_SIGNALLED = 128
_CANNOT_START = 127
_UNKNOWN = 255  # what engines say of a container whose end they did not see


class Watch:
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
        self._attached = attached  # what came before was not seen
        self._lost_since: float | None = None
        self._outage = ""

    def look(self) -> Exit | None:
        """How the container ended; None while it runs."""
        import docker
        import requests

        try:
            state = self._client.api.inspect_container(str(self._container.id))["State"]
        except docker.errors.NotFound:
            return Exit(cause=Cause.INFRASTRUCTURE, detail="somebody removed the container")
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            return self._lost(error)
        self._lost_since = None
        return (
            None if state.get("Running") or state.get("Status") == "created" else self._exit(state)
        )

    def end(self, grace: int) -> None:
        """TERM, grace, KILL."""
        import docker
        import requests

        try:
            self._container.stop(timeout=grace)
        except (docker.errors.DockerException, requests.RequestException) as error:
            _logger.warning("container %s could not be stopped: %s", self._container.name, error)

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
        """What ended the container from outside, as far as its state does not say it already."""
        if self._outage:  # whatever the code says, the engine's end may have been the cause
            return self._outage
        if self._attached and code == _UNKNOWN:
            return "it ended with its engine, unseen"
        sent = None if signal_ else self._signal_sent(state)
        return f"somebody sent it signal {sent}" if sent else None

    def _signal_sent(self, state: Mapping[str, Any]) -> str | None:
        """The first signal that the engine sent it for somebody, or because it shuts down."""
        import docker
        import requests

        try:
            events = self._client.api.events(
                since=_second(state["StartedAt"]),
                until=_second(state["FinishedAt"]) + 1,
                filters={"container": str(self._container.id), "event": "kill"},
                decode=True,
            )
            sent = [str(event["Actor"]["Attributes"]["signal"]) for event in events]
        except (docker.errors.DockerException, requests.RequestException, KeyError) as error:
            _logger.info("no events of container %s: %s", self._container.name, error)
            return None
        return next(iter(sent), None)


def _second(moment: str) -> int:
    return int(dt.datetime.fromisoformat(moment).timestamp())


def not_started(error: Any, command: Command) -> Exit:
    """What it means that the engine could not start a container. Raises NotReadyError."""
    said = str(error.explanation)
    if "could not select device driver" in said or "nvidia" in said.lower():
        raise NotReadyError(
            f"the engine has no GPU for {command.name}: {said}",
            hint="install the NVIDIA container toolkit; --scale smoke needs no GPU",
        ) from error
    if re.search(r"exec(utable)?\b[^\n]*(not found|no such file|permission denied)", said):
        return Exit(cause=Cause.STEP, code=_CANNOT_START, detail=said)
    return Exit(cause=Cause.INFRASTRUCTURE, detail=said)
