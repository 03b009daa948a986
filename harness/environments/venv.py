"""Environments of the process runtime: a venv made of the lock, or harness's own interpreter."""

import functools
import importlib.metadata
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.environments.builder import BuildOptions, Interpreter, VenvBuilder
from harness.environments.installed import installed
from harness.environments.probe import PROBE, is_current, keep_probe, read_probe
from harness.environments.requirements import MethodLock, RequirementLock, other_packages, read_lock
from harness.errors import BuildError, NotReadyError
from harness.files import locked, remove_tree
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.catalogue import Stack
from harness.plan.keys import digest
from harness.runtimes.runtime import Environment

#: The stack that is harness's own interpreter.
HOST = "host"


class HostEnvironments:
    """Harness's own interpreter, for stack `host`."""

    def __init__(self, project: ProjectLayout, cache: CacheLayout, builder: VenvBuilder) -> None:
        self._project, self._cache, self._builder = project, cache, builder

    def identify(self, method: str, stack: str) -> str:
        """Return the environment id: hash of runtime, Python, platform, installed versions."""
        lock = read_lock(self._project, method, stack).run
        installed = {one.name: _installed(one.name) for one in lock.requirements}
        return process_id(platform.python_version(), host_platform(), installed)

    def ensure(self, method: str, stack: str, _log: Path, /) -> Environment:
        """Check that every package of the lock is installed. Raises NotReadyError."""
        lock = read_lock(self._project, method, stack)
        missing = [one.name for one in lock.run.requirements if _installed(one.name) is None]
        if missing:
            raise NotReadyError(
                f"stack {stack} is the Python that runs harness ({sys.executable}), "
                f"which misses the packages {', '.join(missing)}",
                hint="run `make install`, or choose --runtime docker",
            )
        identity = self.identify(method, stack)
        python = Path(sys.executable)
        probe = read_probe(self._cache, identity)
        if probe is None or not is_current(probe) or _changed(probe):
            probe = self._probe(identity, python)
        return Environment(
            id=identity, handle=str(python), python=str(python), probe=with_lock(probe, lock)
        )

    def _probe(self, identity: str, python: Path) -> dict[str, Any]:
        return keep_probe(self._cache, identity, self._builder.probe(python, PROBE))


class VenvEnvironments:
    """One virtual environment per lock and interpreter, in the cache."""

    def __init__(
        self,
        project: ProjectLayout,
        cache: CacheLayout,
        stacks: Mapping[str, Stack],
        builder: VenvBuilder,
        options: BuildOptions | None = None,
    ) -> None:
        self._project, self._cache, self._stacks = project, cache, stacks
        self._builder, self._options = builder, options or BuildOptions()

    def identify(self, method: str, stack: str) -> str:
        """Return the environment id: hash of runtime name, exact Python version, platform, lock."""
        lock = read_lock(self._project, method, stack)
        interpreter = self._interpreter(stack)
        return process_id(interpreter.version, interpreter.platform, lock.sha256)

    def ensure(self, method: str, stack: str, log: Path, /) -> Environment:
        """Build the venv unless it is there whole. Raises BuildError or NotReadyError."""
        identity = self.identify(method, stack)
        folder = self._cache.venv(identity)
        with locked(folder.with_suffix(".lock")):
            probe = read_probe(self._cache, identity)
            python = folder / "bin" / "python"
            if probe is None or not python.exists() or _others(probe, self._lock(method, stack)):
                probe = self._build(method, stack, identity, log)
            elif not is_current(probe):
                probe = keep_probe(self._cache, identity, self._builder.probe(python, PROBE))
        lock = read_lock(self._project, method, stack)
        return Environment(
            id=identity, handle=str(python), python=str(python), probe=with_lock(probe, lock)
        )

    def _build(self, method: str, stack: str, identity: str, log: Path) -> dict[str, Any]:
        # Built in place, because a venv's scripts name its folder; the probe, written last, shows
        # that it is whole.
        folder = self._cache.venv(identity)
        remove_tree(folder, quiet=True)
        python = self._builder.build(
            self._interpreter(stack),
            read_lock(self._project, method, stack).packages(),
            folder,
            pip_options(self._options, self._stacks[stack]),
            log,
        )
        probe = self._builder.probe(python, PROBE)
        others = _others(probe, self._lock(method, stack))
        refuse_other_packages(str(folder), others, hint=f"see {log}; the next build starts over")
        return keep_probe(self._cache, identity, probe)

    def _lock(self, method: str, stack: str) -> RequirementLock:
        return read_lock(self._project, method, stack).run

    def _interpreter(self, stack: str) -> Interpreter:
        return self._builder.interpreter(self._stacks[stack].python)


def _others(probe: Mapping[str, Any], lock: RequirementLock) -> list[str]:
    """What a virtual environment has otherwise than its lock; `venv` itself puts in pip."""
    locked = {one.name for one in lock.requirements}
    ours = tuple(f"{name}==" for name in ("pip", "setuptools") if name not in locked)
    installed = [one for one in probe.get("pip_freeze", ()) if not one.startswith(ours)]
    return other_packages(lock, installed)


def with_lock(probe: Mapping[str, Any], lock: MethodLock) -> dict[str, Any]:
    """A probe, with the sha256 of the lock that the environment was made of."""
    return {**probe, "lock": lock.sha256}


def refuse_other_packages(what: str, others: Sequence[str], *, hint: str) -> None:
    """Raise BuildError if an environment has packages otherwise than its lock."""
    if others:
        raise BuildError(
            f"{what} is not what its lock says:\n" + "\n".join(f"  {one}" for one in others),
            hint=hint,
        )


def pip_options(options: BuildOptions, stack: Stack) -> tuple[str, ...]:
    """Options of pip beside the lock: certificates, and further places of wheels."""
    options_: tuple[str, ...] = ()
    if options.ca_bundle is not None:
        options_ += ("--cert", str(options.ca_bundle))
    if options.wheelhouse is not None:
        options_ += ("--find-links", str(options.wheelhouse))
    if options.mirror is not None:
        return (*options_, "--no-index")
    # Without a network pip would try for minutes to reach an index that it does not need.
    if stack.index is None or options.wheelhouse_has_torch:
        return options_
    return (*options_, "--extra-index-url", stack.index)


def process_id(python: str, machine: str, content: object) -> str:
    """The environment id of a process environment."""
    return digest(
        {"runtime": "process", "python": python, "platform": machine, "packages": content}
    )


def host_platform() -> str:
    """Operating system and machine, as the probe spells them."""
    return f"{sys.platform}-{platform.machine()}"


def _changed(probe: Mapping[str, Any]) -> bool:
    """Whether this Python holds other packages than were probed: more than the lock may change."""
    return any(probe.get(name) != found for name, found in own_packages().items())


@functools.cache
def own_packages() -> Mapping[str, Any]:
    """What is installed in this Python, as its probe lists it."""
    return installed()


@functools.cache
def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
