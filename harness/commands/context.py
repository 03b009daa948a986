"""Where a command works, and the parts wired together for it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.assets.assets import Assets
from harness.environments.builder import BuildOptions
from harness.errors import UsageError
from harness.execution.packages import package_hashes
from harness.gpus.leases import GpuLeases
from harness.gpus.selection import choose, visible
from harness.layout import CacheLayout, ProjectLayout, RunLayout
from harness.manifest.catalogue import Catalogue
from harness.manifest.load import load_catalogue, load_method
from harness.manifest.model import Method, RuntimeName, Scale
from harness.runtimes.runtime import Environments, Runtime
from harness.sources.repositories import Repositories
from harness.sources.sources import Sources
from harness.store.store import Store

if TYPE_CHECKING:
    from harness.environments.built_images import BuiltImages
    from harness.environments.image import ImageEnvironments
    from harness.environments.pip import PipVenvBuilder
    from harness.environments.registry import EngineImageCarrier

_MARK = Path("manifests", "repos.yaml")


@dataclass(frozen=True, kw_only=True)
class Context:
    """One command's folders; the parts are made when first asked for, since some are costly."""

    project: ProjectLayout
    layout: RunLayout
    cache: CacheLayout
    mirror: Path | None = None
    data: Path | None = None
    build: BuildOptions = field(default_factory=BuildOptions)

    @cached_property
    def catalogue(self) -> Catalogue:
        """Repositories, assets, stacks."""
        return load_catalogue(self.project)

    @cached_property
    def store(self) -> Store:
        """Finished steps."""
        return Store(self.layout)

    @cached_property
    def sources(self) -> Sources:
        """Pinned and patched checkouts."""
        from harness.sources.git import GitCommands

        return Sources(GitCommands(), self.cache, self.project, self.mirror)

    @cached_property
    def repositories(self) -> Repositories:
        """Bare repositories of the sources."""
        from harness.sources.git import GitCommands

        return Repositories(GitCommands(), self.cache, self.project, self.mirror)

    @cached_property
    def assets(self) -> Assets:
        """Data sets and weights."""
        mirrored = self.build.mirror.layout.assets if self.build.mirror else None
        return Assets(self.catalogue.assets, self.cache, self.layout.trust, self.data, mirrored)

    @property
    def packages(self) -> Mapping[str, str]:
        """Hashes of the container-side packages."""
        return package_hashes()

    def method(self, name: str) -> Method:
        """One method's manifest, checked."""
        return load_method(self.project, name, self.catalogue)

    def runtime(self, name: RuntimeName, scale: Scale, *, detaches: bool = False) -> Runtime:
        """What isolates steps; with `detaches` a stop leaves them running. Raises UsageError."""
        if detaches and name is RuntimeName.PROCESS:
            raise UsageError(
                "--detach with --runtime process: a process ends with harness",
                hint="use --runtime docker or podman, or leave --detach away",
            )
        if name is RuntimeName.PROCESS:
            from harness.runtimes.process import ProcessRuntime

            return ProcessRuntime()
        from harness.runtimes.container import ContainerRuntime

        strict = scale is Scale.PAPER
        return ContainerRuntime(self.cache, engine=name, strict_limits=strict, detaches=detaches)

    def gpus(self, asked: str | None = None) -> GpuLeases:
        """The GPUs that may be used: those `--gpus` names, within CUDA_VISIBLE_DEVICES."""
        from harness.gpus.nvml import Nvml

        return GpuLeases(
            self.cache,
            lambda: choose(visible(Nvml().gpus(), os.environ), asked),
            self.catalogue.stacks,
        )

    def gpu_obstacle(self, name: RuntimeName) -> str | None:
        """Why steps get no GPU under this runtime, if that is known. Raises NotReadyError."""
        if name is RuntimeName.PROCESS:
            return None
        from harness.runtimes.engine import Engine, gpu_obstacle

        with Engine.find(name, os.environ).client() as client:
            return gpu_obstacle(name, client.info())

    def engines(self) -> tuple[RuntimeName, ...]:
        """The container engines, each once although DOCKER_HOST may lead both names to one."""
        from harness.runtimes.engine import Engine

        names = (RuntimeName.PODMAN, RuntimeName.DOCKER)
        found = {Engine.find(name, os.environ).address: name for name in names}
        return tuple(found.values())

    def environments(self, name: RuntimeName) -> Environments:
        """What steps run in, under one runtime."""
        stacks = self.catalogue.stacks
        if name is RuntimeName.PROCESS:
            from harness.environments.venv import ProcessEnvironments

            return ProcessEnvironments(self.project, self.cache, stacks, self.venvs(), self.build)
        return self.images(name)

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


def find_project(asked: Path | None) -> ProjectLayout:
    """--project, HARNESS_PROJECT, upward from the working directory, else the installed copy."""
    named = asked or (Path(env) if (env := os.environ.get("HARNESS_PROJECT")) else None)
    if named is not None:
        if not (named / _MARK).exists():
            raise UsageError(
                f"{named} is no harness project: it has no {_MARK}",
                hint="name a folder with manifests/, dockerfiles/ and patches/",
            )
        return ProjectLayout(named.resolve())
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _MARK).exists():
            return ProjectLayout(folder)
    package = Path(__file__).resolve().parent
    installed = package / "_project" if (package / "_project").exists() else package.parent
    return ProjectLayout(installed)


def default_runs(project: ProjectLayout) -> Path:
    """The project's runs/; of an installed copy, which nobody should write into, the user's."""
    is_installed = project.root.is_relative_to(Path(__file__).resolve().parent)
    return (Path.cwd() if is_installed else project.root) / "runs"


def find_cache() -> CacheLayout:
    """HARNESS_CACHE, else harness's folder in the user's cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return CacheLayout(Path(os.environ.get("HARNESS_CACHE") or home / "harness"))
