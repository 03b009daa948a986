"""Where a command works, and everything it works with, made when it is first asked for."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.assets.assets import Assets
from harness.certificates import find_ca_bundle
from harness.commands.places import (
    find_cache,
    find_project,
    find_runs_folder,
    folder_there,
    make_writable,
)
from harness.commands.where import Where
from harness.environments.builder import BuildOptions
from harness.environments.mirror import Mirror, open_mirror
from harness.errors import HarnessError, UsageError
from harness.execution.packages import package_hashes
from harness.gpus.leases import GpuLeases
from harness.gpus.selection import choose, visible
from harness.layout import CacheLayout, ProjectLayout, RunLayout
from harness.manifest.catalogue import Catalogue
from harness.manifest.load import load_catalogue, load_method
from harness.manifest.model import Method, RuntimeName, Scale
from harness.measured.kept import Kept, read_kept
from harness.names import choose as choose_name
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Environments, Runtime
from harness.sources.repositories import Repositories
from harness.sources.sources import Sources
from harness.store.leases import LOST_AFTER_SECONDS, Leases
from harness.store.store import Store

if TYPE_CHECKING:
    from harness.environments.built_images import BuiltImages
    from harness.environments.image import ImageEnvironments
    from harness.environments.pip import PipVenvBuilder
    from harness.environments.registry import EngineImageCarrier

Notify = Callable[[str], None]  # takes one line about what a command does


@dataclass(frozen=True, kw_only=True)
class Context:
    """One command's folders, and what it works with there."""

    project: ProjectLayout
    layout: RunLayout
    cache: CacheLayout
    mirror: Path | None = None
    data: Path | None = None
    build: BuildOptions = field(default_factory=BuildOptions)
    lost_after: float = LOST_AFTER_SECONDS  # how long the heartbeat of a lost host stands still
    set_stack: str | None = None  # by settings

    @classmethod
    def open(
        cls,
        where: Where,
        *,
        writes: bool = False,
        inspects: bool = False,
        fresh: bool = False,
        examined: bool = False,
    ) -> "Context":
        """Find and check the folders and build options of a command.

        With `writes`, `runs/` and cache are made and must take a file. With `inspects`, `runs/`
        must be there if it was named. A mirror that cannot be opened is an error, unless it is
        `examined` itself. With `fresh` images are built again, from their first layer.
        """
        project = find_project(where.project)
        mirror = folder_there(where.mirror, where.label("mirror")) if where.mirror else None
        strict = inspects and "runs" not in where.origins
        context = cls(
            project=project,
            layout=RunLayout(
                find_runs_folder(where.runs, project, where.label("runs"), inspects=strict)
            ),
            cache=find_cache(where.cache),
            mirror=mirror,
            data=folder_there(where.data, where.label("data")) if where.data else None,
            build=BuildOptions.from_environment(
                os.environ,
                ca_bundle=_ca_bundle(where),
                wheelhouse=_wheelhouse(where),
                base=where.base,
                mirror=_opened(mirror, examined=examined) if mirror else None,
                fresh=fresh,
            ),
            set_stack=where.usual_stack,
        )
        if writes:
            make_writable(context.layout.root, where.label("runs"))
            make_writable(context.cache.root, "HARNESS_CACHE")
        return context

    @cached_property
    def catalogue(self) -> Catalogue:
        """Repositories, assets, stacks."""
        return load_catalogue(self.project)

    @cached_property
    def usual_stack(self) -> str | None:
        """The stack of methods that have it, unless another is asked for. Raises UsageError."""
        if self.set_stack is None:
            return None
        unknown = f"stack {self.set_stack!r}, set by HARNESS_STACK or harness.toml: unknown"
        return choose_name(self.set_stack, self.catalogue.stacks, unknown)

    @cached_property
    def store(self) -> Store:
        """Finished steps."""
        return Store(self.layout, Leases(self.layout, limit=self.lost_after))

    @cached_property
    def measured(self) -> Kept:
        """What rehearsals measured, as it was when first asked for."""
        return read_kept(self.layout)

    @cached_property
    def sources(self) -> Sources:
        """Pinned and patched checkouts."""
        from harness.sources.git import GitCommands

        return Sources(GitCommands(self.build.ca_bundle), self.cache, self.project, self.mirror)

    @cached_property
    def repositories(self) -> Repositories:
        """Bare repositories of the sources."""
        from harness.sources.git import GitCommands

        return Repositories(
            GitCommands(self.build.ca_bundle), self.cache, self.project, self.mirror
        )

    @cached_property
    def assets(self) -> Assets:
        """Data sets and weights."""
        mirrored = self.build.mirror.layout.assets if self.build.mirror else None
        return Assets(
            self.catalogue.assets,
            self.cache,
            self.layout.trust,
            self.data,
            mirrored,
            ca_bundle=self.build.ca_bundle,
        )

    @cached_property
    def code(self) -> Mapping[str, object]:
        """The commit of harness's own working tree, and whether it is dirty; for records."""
        from harness.sources.git import state_of

        return state_of(Path(__file__).resolve().parents[2])

    @property
    def packages(self) -> Mapping[str, str]:
        """Hashes of the container-side packages."""
        return package_hashes()

    def method(self, name: str) -> Method:
        """One method's manifest, checked once: some commands ask for it with every step."""
        if name not in self._methods:
            self._methods[name] = load_method(self.project, name, self.catalogue)
        return self._methods[name]

    @cached_property
    def _methods(self) -> dict[str, Method]:
        return {}

    def offered(self, steps: Iterable[BoundStep]) -> dict[str, tuple[str, ...]]:
        """The stacks of each method that the steps belong to."""
        names = dict.fromkeys(step.method for step in steps)
        return {name: self.method(name).stacks for name in names}

    def runtime(self, name: RuntimeName, scale: Scale, *, detaches: bool = False) -> Runtime:
        """What isolates steps; with `detaches` a stop leaves them running. Raises UsageError."""
        refuse_detaching(name, detaches=detaches)
        if name is RuntimeName.PROCESS:
            from harness.runtimes.process import ProcessRuntime

            return ProcessRuntime()
        from harness.runtimes.container import ContainerRuntime

        strict = scale.at_full_cost
        return ContainerRuntime(self.cache, engine=name, strict_limits=strict, detaches=detaches)

    def gpus(self, asked: str | None = None) -> GpuLeases:
        """The GPUs that may be used: those `--gpus` names, within CUDA_VISIBLE_DEVICES."""
        from harness.gpus.nvml import Nvml

        return GpuLeases(
            self.cache,
            lambda: choose(visible(Nvml().gpus(), os.environ), asked),
            self.catalogue.stacks,
        )

    def engines(self) -> tuple[RuntimeName, ...]:
        """The container engines, each once although DOCKER_HOST may lead both names to one."""
        from harness.runtimes.engine import Engine

        names = (RuntimeName.PODMAN, RuntimeName.DOCKER)
        found = {Engine.find(name, os.environ).address: name for name in names}
        return tuple(found.values())

    @staticmethod
    def refuse_without_engine(name: RuntimeName) -> None:
        """Raise EngineGone if a runtime is in containers and its engine does not answer."""
        from harness.runtimes.engine import Engine

        if name is not RuntimeName.PROCESS:
            with Engine.find(name, os.environ).client():
                pass

    def environments(self, name: RuntimeName, stack: str) -> Environments:
        """What steps on a stack run in, under one runtime."""
        if name is not RuntimeName.PROCESS:
            return self.images(name)
        from harness.environments.venv import HOST, HostEnvironments, VenvEnvironments

        if stack == HOST:
            return HostEnvironments(self.project, self.cache, self.venvs())
        return VenvEnvironments(
            self.project, self.cache, self.catalogue.stacks, self.venvs(), self.build
        )

    def venvs(self) -> "PipVenvBuilder":
        """What makes virtual environments."""
        from harness.environments.pip import PipVenvBuilder

        return PipVenvBuilder()

    def images(self, name: RuntimeName) -> "ImageEnvironments":
        """The images of a container runtime."""
        from harness.environments.docker_build import EngineImageBuilder
        from harness.environments.image import ImageEnvironments

        engine = (EngineImageBuilder(name), self.carrier(name))
        return ImageEnvironments(
            self.project, self.cache, self.catalogue.stacks, engine, self.build
        )

    def built_images(self, name: RuntimeName) -> "BuiltImages":
        """The images that any harness built on an engine."""
        from harness.environments.built_images import BuiltImages

        return BuiltImages(name)

    def carrier(self, name: RuntimeName) -> "EngineImageCarrier":
        """What takes images out of an engine and into it."""
        from harness.environments.registry import EngineImageCarrier

        return EngineImageCarrier(name)


def refuse_detaching(name: RuntimeName, *, detaches: bool) -> None:
    """Raise UsageError if steps are to be left running that cannot be."""
    if detaches and name is RuntimeName.PROCESS:
        raise UsageError(
            "--detach with --runtime process: a process ends with harness",
            hint="use --runtime docker or podman, or leave --detach away",
        )


def _ca_bundle(where: Where) -> Path | None:
    """The certificates to trust, for a command that may use a network."""
    return find_ca_bundle(where.ca_bundle, os.environ) if "ca_bundle" in where.options else None


def _wheelhouse(where: Where) -> Path | None:
    """The folder of wheels that was given; that of the variable is checked for commands that build.

    Raises UsageError.
    """
    named = os.environ.get("HARNESS_WHEELHOUSE")
    if "wheelhouse" in where.options and named:
        folder_there(Path(named), "HARNESS_WHEELHOUSE")
    label = where.label("wheelhouse")
    return folder_there(where.wheelhouse, label) if where.wheelhouse else None


def _opened(mirror: Path, *, examined: bool) -> Mirror | None:
    try:
        return open_mirror(mirror)
    except HarnessError:
        if not examined:
            raise
        return None
