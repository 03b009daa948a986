"""The container runtime, on Docker or on Podman's socket: one container for each step."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath
from threading import Event
from typing import TYPE_CHECKING, Any

from harness.errors import EngineGone, HarnessError, NotReadyError
from harness.files import write_if_changed
from harness.layout import CacheLayout
from harness.manifest.model import RuntimeName
from harness.runtimes.container_watch import ContainerWatch, LogFollower, not_started
from harness.runtimes.engine import (
    CDI_KIND,
    LIMITS,
    Engine,
    engine_errors,
    gpu_obstacle,
    is_rootless,
    missing_limits,
    ulimits,
)
from harness.runtimes.leftovers import GPUS, find, remove, step_containers
from harness.runtimes.runtime import Cause, Command, Exit, Interactive, Mount, Survivor

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_GRACE_SECONDS = 10
_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = (0.02, 1.0)
_HOUR = 3600.0
_GB = 2**30
_TMP_SIZE = 2 * _GB
_PROCESSES = 4096


class ContainerRuntime:
    """`harness.runtimes.runtime.Runtime` on a container engine.

        runtime = ContainerRuntime(CacheLayout(Path("cache")), engine=RuntimeName.PODMAN)
        ended = runtime.run(command, Path("step.log"), stop=Event())
        if not ended.lost:
            runtime.discard(command.name)

    A container starts detached and stays until `discard`. Another harness can follow it, or read
    its end, after this one died. `strict_limits` refuses an engine that cannot enforce a limit;
    otherwise `isolation()` has a warning. With `detaches` a stop leaves the container running.
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
        self._info: Mapping[str, Any] | None = None

    def sees(self, mount: Mount) -> str:
        """Always the mount's target."""
        return str(mount.target)

    def isolation(self) -> Mapping[str, object]:
        """What is isolated and by what, for the record. Raises NotReadyError without an engine."""
        info = self._engine_info()
        missing = missing_limits(info)
        return {
            "runtime": str(self.name),
            "isolated": True,
            "by": f"{self.name} {info.get('ServerVersion')}",
            "network": "none",
            "inputs": "read-only",
            "capabilities": "none",
            "oci_runtime": info.get("DefaultRuntime"),
            "storage_driver": info.get("Driver"),
            "cgroups": info.get("CgroupVersion"),
            "rootless": is_rootless(info),
            "user": "{}:{}".format(*self._user_inside()),
            "limits": ["time", *(limit for limit in LIMITS.values() if limit not in missing)],
            "warnings": [f"{self.name} cannot enforce the limit of {limit}" for limit in missing],
        }

    def run(self, command: Command, log: Path, stop: Event) -> Exit:
        """Run to the end; once `stop` is set: TERM, grace, KILL. Raises NotReadyError."""
        self._refuse(command)
        with closing(self._connect(stop)) as client:
            container = self._create(client, command)
            try:
                return self._start(container, command, log) or self._attend(
                    client, container, command, log, stop
                )
            except HarnessError:
                remove(container, 0)
                raise

    def attach(self, command: Command, log: Path, stop: Event) -> Exit | None:
        """Follow the container of a dead harness; its time limit starts anew."""
        with closing(self._connect(stop)) as client:
            container = find(client, command.name)
            if container is None or container.status == "created":
                return None
            return self._attend(client, container, command, log, stop, attached=True)

    def discard(self, name: str) -> None:
        """Stop and remove the container of that name."""
        with closing(self._connect(Event())) as client:
            container = find(client, name)
            if container is not None:
                remove(container, self._grace)

    def survivors(self) -> list[Survivor]:
        """List the containers of steps that this engine has, whoever started them."""
        with self._engine.client() as client:
            return step_containers(client)

    def interactive(self, command: Command, *, terminal: bool) -> Interactive:
        """`docker run` or `podman run` with the same settings: the SDK has no terminal."""
        settings = self._settings(command)
        docker = self.name is RuntimeName.DOCKER
        program = ["docker", "--host"] if docker else ["podman", "--remote", "--url"]
        kind = "-it" if terminal else "-i"
        options = [self._engine.address, "run", "--rm", "--init", kind, *_options(settings)]
        return Interactive(argv=(*program, *options, settings["image"], *settings["command"]))

    def _refuse(self, command: Command) -> None:
        """Raise NotReadyError if the engine or an input is not what the command needs."""
        info = self._engine_info()
        missing = missing_limits(info)
        if missing and self._strict:
            raise NotReadyError(
                f"{self.name} cannot enforce the limit of {', '.join(missing)} here",
                hint="use an engine with cgroups for these, or run at --scale smoke",
            )
        obstacle = gpu_obstacle(self.name, info) if command.gpus else None
        if obstacle is not None:
            raise NotReadyError(obstacle, hint="update Podman, or use --runtime docker")
        for mount in command.mounts:
            if not mount.source.exists():
                raise NotReadyError(
                    f"{mount.source}, which the step is to see at {mount.target}, does not exist",
                    hint="run the same command again; if it stays so, `harness verify`",
                )

    def _connect(self, stop: Event) -> "DockerClient":
        """Open a client; wait for an engine that answered before, because it may be restarting."""
        deadline = time.monotonic() + (self._patience if self._info else 0)
        while True:
            try:
                return self._engine.connect()
            except EngineGone:
                if time.monotonic() > deadline or stop.wait(_POLL_SECONDS[1]):
                    raise

    def _create(self, client: "DockerClient", command: Command) -> "Container":
        import docker

        try:
            return client.containers.create(**self._settings(command))
        except docker.errors.ImageNotFound as error:
            raise NotReadyError(
                f"{self.name} has no image {command.environment.handle}", hint="run `harness build`"
            ) from error
        except docker.errors.APIError as error:
            raise NotReadyError(
                f"{self.name} refused the container of {command.name}: {error.explanation}",
                hint="the engine's settings do not allow what a step needs; see its log",
            ) from error
        except engine_errors() as error:
            raise EngineGone(
                f"{self.name} stopped answering: {error}", hint="run the same command again"
            ) from error

    def _start(self, container: "Container", command: Command, log: Path) -> Exit | None:
        import docker

        try:
            container.start()
        except docker.errors.APIError as error:
            log.write_text(f"{error.explanation}\n")
            return not_started(error, command)
        except engine_errors() as error:
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
        watch = ContainerWatch(client, container, self._patience, attached=attached)
        limit = command.resources.time_limit_hours * _HOUR
        deadline = time.monotonic() + limit
        pause, longest = _POLL_SECONDS
        with LogFollower(self._engine, str(container.id), log):
            while (ended := watch.look()) is None:
                if stop.wait(pause):
                    if self.detaches:
                        return Exit(cause=Cause.INTERRUPTED, detail="it runs on", lost=True)
                    watch.end(self._grace)
                    return Exit(cause=Cause.INTERRUPTED)
                if time.monotonic() > deadline:
                    watch.end(self._grace)
                    detail = f"ran longer than {limit:g} seconds"
                    ended = Exit(cause=Cause.TIMEOUT, detail=detail)
                    break
                pause = min(longest, pause * 1.5)
            return replace(ended, peak_memory_gb=watch.peak_memory_gb)

    def _settings(self, command: Command) -> dict[str, Any]:
        """Arguments of `containers.create`: no network, no capabilities, read-only, all limits."""
        from docker.types import LogConfig

        memory = int(command.resources.memory_gb * _GB)
        unlimited = {"max-size": "1t"} if self.name is RuntimeName.DOCKER else {}
        held = {GPUS: ",".join(command.gpus)} if command.gpus else {}
        return {
            "image": command.environment.handle,
            "command": list(command.argv),
            "name": command.name,
            "labels": {**command.labels, **held},
            "environment": {"USER": "step", "LOGNAME": "step", **command.env},
            "working_dir": str(command.cwd),
            "user": "{}:{}".format(*self._user_inside()),
            "mounts": [_bind(mount) for mount in (*command.mounts, *self._accounts(command))],
            "detach": True,
            "init": True,
            "network_mode": "none",
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={_TMP_SIZE}"},  # noqa: S108
            "mem_limit": memory,
            "memswap_limit": memory,
            "pids_limit": _PROCESSES,
            "shm_size": int(command.resources.shm_gb * _GB),
            "ulimits": ulimits(),
            "log_config": LogConfig(type=LogConfig.types.JSON, config=unlimited),
            "device_requests": [self._device_request(command.gpus)] if command.gpus else [],
        }

    def _device_request(self, uuids: Sequence[str]) -> Any:
        """Docker takes GPUs by UUID, Podman by the names of the Container Device Interface."""
        from docker.types import DeviceRequest

        if self.name is RuntimeName.PODMAN:
            return DeviceRequest(driver="cdi", device_ids=[f"{CDI_KIND}={one}" for one in uuids])
        return DeviceRequest(device_ids=list(uuids), capabilities=[["gpu"]])

    def _accounts(self, command: Command) -> Iterator[Mount]:
        """The user's entries in passwd and group, because torch and getpass look them up."""
        uid, gid = self._user_inside()
        home = command.env.get("HOME", "/")
        texts = {
            "passwd": f"root:x:0:0:root:/root:/bin/sh\nstep:x:{uid}:{gid}:step:{home}:/bin/sh\n",
            "group": f"root:x:0:\nstep:x:{gid}:\n",
        }
        for name, text in texts.items():
            path = self._cache.account(name, uid, gid)
            write_if_changed(path, text)
            yield Mount(source=path, target=PurePosixPath("/etc", name))

    def _user_inside(self) -> tuple[int, int]:
        """The caller, whom a rootless engine maps to 0."""
        return (0, 0) if is_rootless(self._engine_info()) else self._user

    def _engine_info(self) -> Mapping[str, Any]:
        if self._info is None:
            with self._engine.client() as client:
                self._info = client.info()
        return self._info


def _bind(mount: Mount) -> Any:
    from docker import types

    source, target = str(mount.source.resolve()), str(mount.target)
    return types.Mount(target=target, source=source, type="bind", read_only=not mount.writable)


def _options(settings: Mapping[str, Any]) -> Iterator[str]:
    """The settings of `containers.create` as options of the command line."""
    same = {
        "name": "name",
        "user": "user",
        "workdir": "working_dir",
        "network": "network_mode",
        "memory": "mem_limit",
        "memory-swap": "memswap_limit",
        "pids-limit": "pids_limit",
        "shm-size": "shm_size",
    }
    yield "--read-only"
    yield from (f"--{option}={settings[name]}" for option, name in same.items())
    yield from (f"--cap-drop={one}" for one in settings["cap_drop"])
    yield from (f"--security-opt={one}" for one in settings["security_opt"])
    yield from (f"--tmpfs={place}:{how}" for place, how in settings["tmpfs"].items())
    yield from (f"--env={name}={text}" for name, text in settings["environment"].items())
    for limit in settings["ulimits"]:
        yield f"--ulimit={limit['Name']}={limit['Soft']}:{limit['Hard']}"
    for mount in settings["mounts"]:
        read_only = ",readonly" if mount["ReadOnly"] else ""
        yield f"--mount=type=bind,source={mount['Source']},target={mount['Target']}{read_only}"
