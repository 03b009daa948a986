"""Watch one container until it has ended, or its engine has not answered for too long."""

import logging
import signal
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.core.ports import Cause, Exit

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_logger = logging.getLogger(__name__)
_SIGNALLED = 128
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
        if self._outage:  # whatever the code says, the engine's end may have been the cause
            return Exit(cause=Cause.INFRASTRUCTURE, code=code, detail=self._outage)
        if self._attached and code == _UNKNOWN:
            return Exit(
                cause=Cause.INFRASTRUCTURE, code=code, detail="it ended with its engine, unseen"
            )
        number = code - _SIGNALLED
        if number in {one.value for one in signal.Signals}:
            return Exit(cause=Cause.SIGNAL, code=code, signal=signal.Signals(number).name)
        return Exit(cause=Cause.STEP, code=code, detail=str(state.get("Error") or ""))
