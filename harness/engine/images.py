"""Environments of the container runtimes: one image per method and stack, named by its content."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.building import BuildOptions, ImageBuilder, ImageRecipe
from harness.core.keys import digest
from harness.core.layout import CacheLayout, ProjectLayout
from harness.core.model import Stack
from harness.core.ports import Environment
from harness.engine.environment import PROBE, keep_facts, pip_options, read_facts
from harness.engine.lock import locked
from harness.engine.locks import MethodLock, base_digest, read_lock
from harness.errors import ManifestError, NotReadyError

#: The interpreter inside every image.
PYTHON = "/opt/venv/bin/python"
_OPTIONS = Path("/options")
_CA_BUNDLE, _WHEELS = "ca.pem", "wheels"


class ImageEnvironments:
    """Builds each image once per engine, probes it once, then finds it by its tag."""

    def __init__(
        self,
        project: ProjectLayout,
        cache: CacheLayout,
        stacks: Mapping[str, Stack],
        builder: ImageBuilder,
        options: BuildOptions | None = None,
    ) -> None:
        self._project, self._cache, self._stacks = project, cache, stacks
        self._builder, self._options = builder, options or BuildOptions()

    def identify(self, method: str, stack: str) -> str:
        """Base digest (or id of the base given), Dockerfile and locks; the same on every engine."""
        return digest(
            {
                "runtime": "container",
                "base": self._base(stack)[1],
                "dockerfile": hashlib.sha256(self._dockerfile(method)).hexdigest(),
                "packages": read_lock(self._project, method, stack).sha256,
            }
        )

    def ensure(self, method: str, stack: str, log: Path) -> Environment:
        """The image, built unless the engine has it. Raises BuildError or NotReadyError."""
        identity = self.identify(method, stack)
        tag = f"harness/{method}:{stack}-{identity[:16]}"
        with locked(self._cache.facts(identity).with_suffix(".lock")):
            image = self._builder.image_id(tag)
            if image is None:
                image = self._builder.build(self._recipe(method, stack, identity, tag), log)
            facts = self._facts(image, stack)
        return Environment(id=identity, handle=image, python=PYTHON, facts=facts)

    def _facts(self, image: str, stack: str) -> dict[str, Any]:
        name = image.removeprefix("sha256:")
        known = read_facts(self._cache, name)
        if known is not None:
            return known
        probed = self._builder.probe(image, PYTHON, PROBE)
        base, content = self._base(stack)
        return keep_facts(
            self._cache, name, {**probed, "image": image, "base": base, "base_digest": content}
        )

    def _base(self, stack: str) -> tuple[str, str]:
        """The reference to build on, and the content that counts in the environment id."""
        if self._options.base is None:
            base = self._stacks[stack].base
            content = base_digest(self._project, base)
            return f"{base}@{content}", content
        image = self._builder.image_id(self._options.base)
        if image is None:
            raise NotReadyError(
                f"the engine has no image {self._options.base}, which is to be the base",
                hint=f"pull or import it first: docker pull {self._options.base}",
            )
        return self._options.base, image

    def _recipe(self, method: str, stack: str, identity: str, tag: str) -> ImageRecipe:
        base, content = self._base(stack)
        lock = read_lock(self._project, method, stack)
        files, inside = self._option_files(lock)
        packages = lock.packages()
        return ImageRecipe(
            tag=tag,
            files={
                "Dockerfile": self._dockerfile(method),
                "requirements.torch.txt": packages.torch.encode(),
                "requirements.txt": packages.others.encode(),
                "requirements.build.txt": packages.build.encode(),
                **files,
            },
            arguments={
                "BASE_IMAGE": base,
                "PIP_OPTIONS": " ".join(pip_options(inside, self._stacks[stack])),
            },
            labels={
                "org.opencontainers.image.title": f"harness {method} on {stack}",
                "org.opencontainers.image.description": self._stacks[stack].title,
                "org.opencontainers.image.base.name": base,
                "org.opencontainers.image.base.digest": content,
                "harness.method": method,
                "harness.stack": stack,
                "harness.environment": identity,
            },
        )

    def _option_files(self, lock: MethodLock) -> tuple[dict[str, bytes | Path], BuildOptions]:
        """What the builder stage gets beside the locks, and the options as it sees them."""
        files: dict[str, bytes | Path] = {"options/README": b"What this build was given.\n"}
        ca_bundle, wheelhouse = self._options.ca_bundle, self._options.wheelhouse
        if ca_bundle is not None:
            files[f"options/{_CA_BUNDLE}"] = ca_bundle
        if wheelhouse is not None:
            files |= {
                f"options/{_WHEELS}/{wheel.name}": wheel for wheel in _wanted(wheelhouse, lock)
            }
        return files, BuildOptions(
            ca_bundle=_OPTIONS / _CA_BUNDLE if ca_bundle else None,
            wheelhouse=_OPTIONS / _WHEELS if wheelhouse else None,
            wheelhouse_has_torch=self._options.wheelhouse_has_torch,
        )

    def _dockerfile(self, method: str) -> bytes:
        path = self._project.dockerfile(method)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ManifestError(
                f"{path}: no such Dockerfile: {method} has no image",
                hint="choose another method (`harness methods`), or --runtime process",
            ) from error


def _wanted(wheelhouse: Path, lock: MethodLock) -> list[Path]:
    """The files of the wheelhouse that the lock would install: only they enter the build."""
    requirements = (*lock.run.requirements, *(lock.build.requirements if lock.build else ()))
    names, hashes = {one.name for one in requirements}, lock.hashes()
    files = (path for path in sorted(wheelhouse.iterdir()) if path.suffix in {".whl", ".gz"})
    named = (path for path in files if _package(path) in names)
    return [path for path in named if _sha256(path) in hashes]


def _package(path: Path) -> str:
    name = path.name.partition("-")[0] if path.suffix == ".whl" else path.name.rpartition("-")[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
