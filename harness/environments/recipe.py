"""What an image build is given: Dockerfile, locks, wheels, arguments, labels."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import __version__
from harness.assets.hashing import file_digest
from harness.environments.builder import BuildOptions, ImageRecipe
from harness.environments.requirements import MethodLock, read_lock
from harness.environments.venv import pip_options
from harness.errors import ManifestError
from harness.layout import ProjectLayout
from harness.manifest.catalogue import Stack
from harness.plan.keys import digest

_OPTIONS = Path("/options")
_CA_BUNDLE, _WHEELS = "ca.pem", "wheels"
#: What a mirror keeps in place of Debian's packages, and the build arguments they stand in for.
STAGES = {"system": "BASE_IMAGE", "tools": "TOOLS_IMAGE"}
_TOOLS, _COMPILER = "python3-venv", "g++ python3-dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """What an image is built on; `content` is what counts in its environment id."""

    name: str  # as the stack or the user gives it
    content: str  # digest or image id
    replaced: bool = False  # by an image of the user's
    asked: bool = False  # by digest, by the user

    @property
    def reference(self) -> str:
        """What a reader of records finds the base by."""
        return self.name if self.replaced else f"{self.name}@{self.content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOf:
    """The image of a method on a stack, about to be named or built."""

    project: ProjectLayout
    method: str
    stack_name: str
    stack: Stack
    base_image: BaseImage

    @property
    def identity(self) -> str:
        """The environment id: base, Dockerfile and locks; the same on every engine."""
        return digest(
            {
                "runtime": "container",
                "base": self.base_image.content,
                "dockerfile": hashlib.sha256(self.dockerfile()).hexdigest(),
                "packages": self.lock().sha256,
            }
        )

    @property
    def tag(self) -> str:
        """The image's name: it is content, so it never moves."""
        return f"harness/{self.method}:{self.stack_name}-{self.identity[:16]}"

    def lock(self) -> MethodLock:
        """The locks. Raises ManifestError."""
        return read_lock(self.project, self.method, self.stack_name)

    def dockerfile(self) -> bytes:
        """The method's own recipe if it has one, else that of all methods."""
        own, common = self.project.dockerfile(self.method), self.project.common_dockerfile
        path = own if own.is_file() else common
        try:
            return path.read_bytes()
        except OSError as error:
            raise ManifestError(
                f"{path}: no such Dockerfile: {self.method} has no image",
                hint="restore it, or choose --runtime process",
            ) from error

    def recipe(self, images: Mapping[str, str], options: BuildOptions) -> ImageRecipe:
        """The build on `images` (build arguments)."""
        lock = self.lock()
        packages = lock.packages()
        torch, others = _option_files(lock, options)
        inside = BuildOptions(
            ca_bundle=_OPTIONS / _CA_BUNDLE if options.ca_bundle else None,
            wheelhouse=_OPTIONS / _WHEELS if options.wheelhouse else None,
            wheelhouse_has_torch=options.wheelhouse_has_torch,
            mirror=options.mirror,
        )
        return ImageRecipe(
            tag=self.tag,
            files={
                "Dockerfile": self.dockerfile(),
                "requirements.torch.txt": packages.torch.encode(),
                "requirements.txt": packages.others.encode(),
                "requirements.build.txt": packages.build.encode(),
                **torch,
                **others,
            },
            arguments={
                **images,
                "PIP_OPTIONS": " ".join(pip_options(inside, self.stack)),
            },
            labels=self.labels(),
            network=options.mirror is None,
            cache=not options.fresh,
        )

    def labels(self) -> dict[str, str]:
        """The image's labels."""
        return {
            "org.opencontainers.image.title": f"harness {self.method} on {self.stack_name}",
            "org.opencontainers.image.description": self.stack.title,
            "org.opencontainers.image.version": __version__,
            "org.opencontainers.image.base.name": self.base_image.reference,
            "org.opencontainers.image.base.digest": self.base_image.content,
            "harness.version": __version__,
            "harness.method": self.method,
            "harness.stack": self.stack_name,
            "harness.lock": self.lock().sha256,
            "harness.environment": self.identity,
        }


def stage_recipes(wanted: ImageOf, base: str, options: BuildOptions) -> dict[str, ImageRecipe]:
    """The builds of a base with Python (`system`), and of one with tools, too (`tools`)."""
    dockerfile = wanted.project.stages_dockerfile.read_bytes()
    packages = f"{_TOOLS} {_COMPILER}" if wanted.lock().build else _TOOLS
    content = {"base": wanted.base_image.content, "dockerfile": dockerfile.decode()}
    wants = {"system": content, "tools": {**content, "packages": packages}}
    return {
        stage: ImageRecipe(
            tag=f"harness/{stage}:{digest(wants[stage])[:16]}",
            files={"Dockerfile": dockerfile},
            arguments={"BASE_IMAGE": base, "PACKAGES": packages},
            target=stage,
            cache=not options.fresh,
        )
        for stage in STAGES
    }


def _option_files(
    lock: MethodLock, options: BuildOptions
) -> tuple[dict[str, bytes | Path], dict[str, bytes | Path]]:
    """What the builder stage gets beside the locks: first what torch's layer takes, then the rest.

    Apart, so that the layer of torch is the same for all methods of a stack.
    """
    torch: dict[str, bytes | Path] = {"options/README": b"What this build was given.\n"}
    others: dict[str, bytes | Path] = {"wheels/README": b"What this build was given.\n"}
    if options.ca_bundle is not None:
        torch[f"options/{_CA_BUNDLE}"] = options.ca_bundle
    for file, of_torch in _wanted(options.wheelhouse, lock) if options.wheelhouse else ():
        if of_torch:
            torch[f"options/{_WHEELS}/{file.name}"] = file
        else:
            others[f"wheels/{file.name}"] = file
    return torch, others


def _wanted(wheelhouse: Path, lock: MethodLock) -> list[tuple[Path, bool]]:
    """The files of the wheelhouse that the lock would install, and whether they are torch's.

    Only they enter the build.
    """
    requirements = (*lock.run.requirements, *(lock.build.requirements if lock.build else ()))
    names, hashes = {one.name for one in requirements}, lock.hashes()
    of_torch = {one.name for one in lock.run.requirements if one.of_torch}
    named = (path for path in sorted(wheelhouse.iterdir()) if package_of(path) in names)
    return [(path, package_of(path) in of_torch) for path in named if file_digest(path) in hashes]


def package_of(path: Path) -> str:
    """The package that a wheel or source archive is of, in lower case with dashes."""
    cut = str.partition if path.suffix == ".whl" else str.rpartition
    return re.sub(r"[-_.]+", "-", cut(path.name, "-")[0]).lower()
