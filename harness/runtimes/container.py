"""The container runtime, on Docker or on Podman's socket: one container per step."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from harness.errors import EngineGone, HarnessError, NotReadyError
from harness.layout import CacheLayout
from harness.manifest.model import RuntimeName
from harness.runtimes.container_settings import (
    LIMITS,
    ContainerSettings,
    gpu_obstacle,
    is_rootless,
    missing_limits,
)
from harness.runtimes.container_watch import Watch, not_started
from harness.runtimes.engine import Engine
from harness.runtimes.engine_cli import run_line
from harness.runtimes.following import LogFollower
from harness.runtimes.leftovers import find, remove, step_containers
from harness.runtimes.runtime import Cause, Command, Exit, Interactive, Mount, Survivor

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_GRACE_SECONDS = 10
_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = (0.1, 1.0)
_HOUR = 3600.0


class ContainerRuntime:
    """`harness.runtimes.runtime.Runtime` on a container engine.

    Containers start detached and stay until `discard`, so that whoever comes after a dead harness
    can follow them or read their end. `strict_limits` refuses an engine that cannot enforce a
    limit; otherwise that is a warning in `isolation()`. With `detaches` a stop leaves them running.
    """

    isolated = True

    def __init__(  # noqa: PLR0913 - settings by name, each with its default
        self,
        cache: CacheLayout,
        *,
        engine: RuntimeName = RuntimeName.DOCKER,
        strict_limits: bool = True,
        detaches: bool = False,
        user: tuple[int, int] | None = None,
        grace: int = _GRACE_SECONDS,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self.name = engine
        self._engine = Engine.find(engine, os.environ)
        self._cache, self._strict, self.detaches = cache, strict_limits, detaches
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
        obstacle = gpu_obstacle(self.name, facts) if command.gpus else None
        if obstacle is not None:
            raise NotReadyError(obstacle, hint="update Podman, or use --runtime docker")
        for mount in command.mounts:
            if not mount.source.exists():
                raise NotReadyError(
                    f"{mount.source}, which the step is to see at {mount.target}, does not exist",
                    hint="run the same command again; if it stays so, `harness verify`",
                )
        with self._patient_client(stop) as client:
            container = self._create(client, command, facts)
            try:
                return self._start(container, command, log) or self._attend(
                    client, container, command, log, stop
                )
            except HarnessError:
                remove(container, 0)
                raise

    def attach(self, command: Command, log: Path, stop: Event) -> Exit | None:
        """Follow the container of a dead harness; its time limit counts anew."""
        with self._patient_client(stop) as client:
            container = find(client, command.name)
            if container is None or container.status == "created":
                return None
            return self._attend(client, container, command, log, stop, attached=True)

    def discard(self, name: str) -> None:
        """Stop and remove the container of that name."""
        with self._patient_client(Event()) as client:
            container = find(client, name)
            if container is not None:
                remove(container, self._grace)

    def survivors(self) -> list[Survivor]:
        """The containers of steps that this engine has, whoever started them."""
        with self._engine.client() as client:
            return step_containers(client)

    def interactive(self, command: Command, *, terminal: bool) -> Interactive:
        """The engine's own command line."""
        settings = ContainerSettings(
            engine=self.name, cache=self._cache, user=self._inside(self._engine_facts())
        )
        return Interactive(
            argv=tuple(run_line(self._engine, settings.of(command), terminal=terminal))
        )

    @contextmanager
    def _patient_client(self, stop: Event) -> "Iterator[DockerClient]":
        """A client; an engine that answered before is waited for: it may be restarting."""
        deadline = time.monotonic() + (self._patience if self._facts else 0)
        client = None
        while client is None:
            try:
                client = self._engine.connect()
            except EngineGone:
                if time.monotonic() > deadline or stop.wait(_POLL_SECONDS[1]):
                    raise
        try:
            yield client
        finally:
            client.close()

    def _start(self, container: "Container", command: Command, log: Path) -> Exit | None:
        import docker
        import requests

        try:
            container.start()
        except docker.errors.APIError as error:
            log.write_text(f"{error.explanation}\n")
            return not_started(error, command)
        except requests.RequestException as error:
            detail = f"the engine stopped answering: {error}"
            return Exit(cause=Cause.INFRASTRUCTURE, detail=detail, lost=True)
        return None

    def _attend(
        self,
        client: "DockerClient",
        container: "Container",
        command: Command,
        log: Path,
        stop: Event,
        *,
        attached: bool = False,
    ) -> Exit:
        follower = LogFollower(self._engine, str(container.id), log)
        follower.start()
        watch = Watch(client, container, self._patience, attached=attached)
        try:
            return self._wait(watch, command.resources.time_limit_hours * _HOUR, stop)
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
                if self.detaches:
                    return Exit(cause=Cause.INTERRUPTED, detail="it runs on", lost=True)
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
        import requests

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
        except requests.RequestException as error:
            raise EngineGone(
                f"{self.name} stopped answering: {error}", hint="run the same command again"
            ) from error

    def _inside(self, facts: Mapping[str, Any]) -> tuple[int, int]:
        """The user inside: the caller, whom a rootless engine maps to 0."""
        return (0, 0) if is_rootless(facts) else self._user

    def _engine_facts(self) -> Mapping[str, Any]:
        if self._facts is None:
            with self._engine.client() as client:
                self._facts = client.info()
        return self._facts
