"""The ports of environment building: what the engine asks of pip and of Docker."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.environments.mirror import Mirror

#: How the names of images begin until they have passed their checks.
UNCHECKED = "harness/unchecked-"


def unchecked(tag: str) -> str:
    """How the name of the image `tag` begins until it has passed its checks."""
    return UNCHECKED + tag.removeprefix("harness/")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """Where a build finds what it may not find by itself; none of it counts in a key.

    Hashes in the lock decide what is installed, so the place a wheel comes from cannot matter.
    """

    ca_bundle: Path | None = None  # PEM file for registries behind a proxy of one's own
    wheelhouse: Path | None = None  # folder of wheels
    wheelhouse_has_torch: bool = False  # then a stack's extra index is not asked
    base: str | None = None  # image that replaces the pinned base (counts by its image id)
    mirror: Mirror | None = None  # then nothing is asked of any network
    fresh: bool = False  # build again, without layers of older builds

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        *,
        ca_bundle: Path | None = None,
        wheelhouse: Path | None = None,
        base: str | None = None,
        mirror: Mirror | None = None,
        fresh: bool = False,
    ) -> "BuildOptions":
        """Options given, else HARNESS_WHEELHOUSE, HARNESS_BASE; PIP_FIND_LINKS if it is a folder.

        A mirror comes before what only the environment knows.
        """

        def variable(*names: str) -> Path | None:
            return next((path for name in names if (path := _existing(environ.get(name)))), None)

        mirrored = mirror.layout.packages if mirror else None
        folder = wheelhouse or mirrored or variable("HARNESS_WHEELHOUSE", "PIP_FIND_LINKS")
        return cls(
            ca_bundle=ca_bundle,
            wheelhouse=folder,
            wheelhouse_has_torch=folder is not None and any(folder.glob("torch-*.whl")),
            base=base or (None if mirror else environ.get("HARNESS_BASE")) or None,
            mirror=mirror,
            fresh=fresh,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that virtual environments can be made of."""

    path: Path
    version: str  # in full: 3.11.7
    platform: str  # linux-x86_64


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What is installed, as texts in pip's requirements format, a hash at every line.

    `build` is what packages that come as source only are built with; most environments need none.
    """

    torch: str
    others: str
    build: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecipe:
    """An image build: files of its context by name, and build arguments."""

    tag: str
    files: Mapping[str, bytes | Path]
    arguments: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None  # the stage to stop at
    network: bool = True
    cache: bool = True  # whether layers of older builds may serve


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """A file in an image; its bytes can be read until the next one is asked for."""

    path: str  # from the root, without a slash in front
    size: int
    state: tuple[int, ...]  # what a change of it would change: mode, size, time
    read: Callable[[], bytes]


class VenvBuilder(Protocol):
    """Makes virtual environments."""

    def interpreter(self, version: str) -> Interpreter:
        """A Python of `version` (major.minor). Raises NotReadyError if there is none."""
        ...

    def build(
        self,
        interpreter: Interpreter,
        packages: Packages,
        folder: Path,
        pip: tuple[str, ...],
        log: Path,
    ) -> Path:
        """Install `packages` into a fresh `folder`; its interpreter. Raises BuildError."""
        ...

    def download(
        self,
        interpreter: Interpreter,
        packages: Packages,
        folder: Path,
        pip: tuple[str, ...],
        log: Path,
    ) -> None:
        """Download the files of `packages` into a fresh `folder`. Raises BuildError."""
        ...

    def probe(self, python: Path, code: str) -> Mapping[str, object]:
        """The JSON object that `code` prints. Raises BuildError."""
        ...


class ImageBuilder(Protocol):
    """Makes container images."""

    def image_id(self, reference: str) -> str | None:
        """The id of an image the engine has. Raises NotReadyError where there is no engine."""
        ...

    def obtain(self, name: str, digest: str, *, asked: bool) -> str:
        """Have NAME@DIGEST; the reference to build on.

        Raises MismatchError if NAME is another image in its registry by now, unless the digest was
        `asked` for, and NotReadyError if the image cannot be had.
        """
        ...

    def build(self, recipe: ImageRecipe, log: Path) -> str:
        """Build and tag; the image's id. Raises BuildError or NotReadyError."""
        ...

    def files(self, image: str) -> Iterator[ImageFile]:
        """Every regular file of an image; nothing of it is executed."""
        ...

    def name(self, image: str, tag: str, *, drop: str, move: bool) -> str:
        """Name an image, and take the name `drop` away; the id of the image that has the name.

        Unless it may move, a name that is taken stays where it is.
        """
        ...

    def probe(self, image: str, python: str, code: str) -> Mapping[str, object]:
        """The JSON object that `code` prints inside `image`. Raises BuildError."""
        ...


class ImageCarrier(Protocol):
    """Takes images from an engine to a file or a registry, and back."""

    def export(self, image: str) -> Iterator[bytes]:
        """The image as the archive that `load` takes (of `docker save`)."""
        ...

    def load(self, archive: Iterable[bytes]) -> None:
        """Take in an archive. Raises NotReadyError."""
        ...

    def current(self, reference: str) -> str | None:
        """The digest of a tag in its registry; None without one. Raises NotReadyError."""
        ...

    def push(self, image: str, reference: str) -> str:
        """Push under this reference; the digest. Raises MismatchError if it names another image."""
        ...


def _existing(text: str | None) -> Path | None:
    """The path, if it is one and exists."""
    return Path(text).resolve() if text and Path(text).exists() else None
