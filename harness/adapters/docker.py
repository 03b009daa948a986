"""The container runtime, on Docker or on Podman's socket: one container per step."""

import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from harness.adapters.container import LIMITS, ContainerSettings, missing_limits
from harness.adapters.engine import Engine
from harness.adapters.following import LogFollower
from harness.adapters.watching import Watch
from harness.core.layout import CacheLayout
from harness.core.model import RuntimeName
from harness.core.ports import Cause, Command, Exit, Mount
from harness.errors import NotReadyError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_logger = logging.getLogger(__name__)
_GRACE_SECONDS = 10
_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = (0.1, 1.0)
_HOUR = 3600.0
_CANNOT_START = 127


class ContainerRuntime:
    """`harness.core.ports.Runtime` on a container engine.

    Containers start detached and are removed once their end was read. `strict_limits` refuses an
    engine that cannot enforce a limit; otherwise that is a warning in `isolation()`.
    """

    isolated = True

    def __init__(
        self,
        cache: CacheLayout,
        *,
        engine: RuntimeName = RuntimeName.DOCKER,
        strict_limits: bool = True,
        user: tuple[int, int] | None = None,
        grace: int = _GRACE_SECONDS,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self.name = engine
        self._engine = Engine.find(engine, os.environ)
        self._cache, self._strict = cache, strict_limits
        self._user = user or (os.getuid(), os.getgid())
        self._grace, self._patience = grace, patience
        self._facts: Mapping[str, Any] | None = None

    def sees(self, mount: Mount) -> str:
        """Always the mount's target."""
        return str(mount.target)

    def isolation(self) -> Mapping[str, object]:
        """What is isolated and by what, for the record. Raises NotReadyError without an engine."""
        facts = self._engine_facts()
        missing = missing_limits(facts)
        limits = ["time", *(limit for limit in LIMITS.values() if limit not in missing)]
        return {
            "runtime": str(self.name),
            "isolated": True,
            "by": f"{self.name} {facts.get('ServerVersion')}",
            "network": "none",
            "inputs": "read-only",
            "capabilities": "none",
            "user": "{}:{}".format(*self._inside(facts)),
            "limits": limits,
            "warnings": [f"{self.name} cannot enforce the limit of {limit}" for limit in missing],
        }

    def run(self, command: Command, log: Path, stop: Event) -> Exit:
        """Run to the end; once `stop` is set: TERM, grace, KILL. Raises NotReadyError."""
        facts = self._engine_facts()
        missing = missing_limits(facts)
        if missing and self._strict:
            raise NotReadyError(
                f"{self.name} cannot enforce the limit of {', '.join(missing)} here",
                hint="use an engine with cgroups for these, or run at --scale smoke",
            )
        for mount in command.mounts:
            if not mount.source.exists():
                raise NotReadyError(
                    f"{mount.source}, which the step is to see at {mount.target}, does not exist",
                    hint="run the same command again; if it stays so, `harness verify`",
                )
        with self._engine.client() as client:
            container = self._create(client, command, facts)
            try:
                return self._attend(client, container, command, log, stop)
            finally:
                _remove(container)

    def _attend(
        self,
        client: "DockerClient",
        container: "Container",
        command: Command,
        log: Path,
        stop: Event,
    ) -> Exit:
        import docker

        try:
            container.start()
        except docker.errors.APIError as error:
            log.write_text(f"{error.explanation}\n")
            return _not_started(error, command)
        follower = LogFollower(self._engine, str(container.id), log)
        follower.start()
        watch = Watch(client, container, self._patience)
        limit = command.resources.time_limit_hours * _HOUR
        try:
            return self._wait(watch, limit, stop)
        finally:
            follower.finish()

    def _wait(self, watch: Watch, limit: float, stop: Event) -> Exit:
        deadline = time.monotonic() + limit
        pause, longest = _POLL_SECONDS
        while True:
            ended = watch.look()
            if ended is not None:
                return ended
            if stop.wait(pause):
                watch.end(self._grace)
                return Exit(cause=Cause.INTERRUPTED)
            if time.monotonic() > deadline:
                watch.end(self._grace)
                return Exit(cause=Cause.TIMEOUT, detail=f"ran longer than {limit:g} seconds")
            pause = min(longest, pause * 1.5)

    def _create(
        self, client: "DockerClient", command: Command, facts: Mapping[str, Any]
    ) -> "Container":
        import docker

        settings = ContainerSettings(engine=self.name, cache=self._cache, user=self._inside(facts))
        try:
            return client.containers.create(**settings.of(command))
        except docker.errors.ImageNotFound as error:
            raise NotReadyError(
                f"{self.name} has no image {command.environment.handle}", hint="run `harness build`"
            ) from error
        except docker.errors.APIError as error:
            raise NotReadyError(
                f"{self.name} refused the container of {command.name}: {error.explanation}",
                hint="the engine's settings do not allow what a step needs; see its log",
            ) from error

    def _inside(self, facts: Mapping[str, Any]) -> tuple[int, int]:
        """The user inside: the caller, whom a rootless engine maps to 0."""
        options = facts.get("SecurityOptions") or []
        rootless = any("rootless" in str(option) for option in options)
        return (0, 0) if rootless else self._user

    def _engine_facts(self) -> Mapping[str, Any]:
        if self._facts is None:
            with self._engine.client() as client:
                self._facts = client.info()
        return self._facts


def _not_started(error: Any, command: Command) -> Exit:
    said = str(error.explanation)
    if "could not select device driver" in said or "nvidia" in said.lower():
        raise NotReadyError(
            f"the engine has no GPU for {command.name}: {said}",
            hint="install the NVIDIA container toolkit; --scale smoke needs no GPU",
        ) from error
    if re.search(r"exec(utable)?\b[^\n]*(not found|no such file|permission denied)", said):
        return Exit(cause=Cause.STEP, code=_CANNOT_START, detail=said)
    return Exit(cause=Cause.INFRASTRUCTURE, detail=said)


def _remove(container: "Container") -> None:
    import docker
    import requests

    try:
        container.remove(force=True, v=True)
    except docker.errors.NotFound:
        pass  # somebody was quicker
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        _logger.warning("container %s was left behind: %s", container.name, error)
