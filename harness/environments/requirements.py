"""Read requirement locks (pip's format, a hash on every line) and harness.lock's base digests."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

from harness.environments.builder import Packages
from harness.errors import ManifestError
from harness.layout import ProjectLayout

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
#: torch and libraries that only torch needs: an image's first layers, equal for a stack's methods.
_TORCH = re.compile(r"^(torch|torchvision|triton|cmake|lit|nvidia[-_].*|cuda[-_].*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One pinned package of a lock."""

    name: str  # lower case, dashes
    version: str
    hashes: frozenset[str]
    text: str

    @property
    def of_torch(self) -> bool:
        """Whether it is torch or a library that only torch needs."""
        return _TORCH.match(self.name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementLock:
    """A lock file: its packages and the hash of its bytes."""

    path: Path
    sha256: str
    requirements: tuple[Requirement, ...]

    def hashes(self) -> frozenset[str]:
        """The sha256 of every file that may be installed."""
        return frozenset().union(*(one.hashes for one in self.requirements))

    def torch_part(self) -> str:
        """The lines of torch and its own libraries, to be installed without dependencies."""
        return "".join(one.text for one in self.requirements if one.of_torch)

    def other_part(self) -> str:
        """All other lines."""
        return "".join(one.text for one in self.requirements if not one.of_torch)


def read_requirements(path: Path) -> RequirementLock:
    """Read a lock. Raises ManifestError if it is missing or a line has no version or hash."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestError(
            f"{path}: no such lock: this method has no environment for this stack",
            hint="choose one of the method's stacks (`harness methods`), or run `make locks`",
        ) from error
    return RequirementLock(
        path=path,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        requirements=tuple(_requirement(path, number, block) for number, block in _blocks(text)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodLock:
    """All that a method's environment on a stack is made of."""

    run: RequirementLock
    build: RequirementLock | None

    @property
    def sha256(self) -> str:
        """The hash of both locks."""
        hashes = [one.sha256 for one in (self.run, self.build) if one is not None]
        if len(hashes) == 1:
            return hashes[0]
        return hashlib.sha256("\n".join(hashes).encode()).hexdigest()

    def packages(self) -> Packages:
        """The locks as texts for a builder."""
        build = "" if self.build is None else self.build.path.read_text(encoding="utf-8")
        return Packages(torch=self.run.torch_part(), others=self.run.other_part(), build=build)

    def hashes(self) -> frozenset[str]:
        """The sha256 of every file that a build may use."""
        return self.run.hashes() | (self.build.hashes() if self.build else frozenset())


def read_lock(project: ProjectLayout, method: str, stack: str) -> MethodLock:
    """The locks of a method on a stack. Raises ManifestError."""
    build = project.build_requirements(method, stack)
    return MethodLock(
        run=read_requirements(project.requirements(method, stack)),
        build=read_requirements(build) if build.is_file() else None,
    )


def other_packages(lock: RequirementLock, installed: Iterable[str]) -> list[str]:
    """What `installed` (NAME==VERSION) has otherwise than the lock, a line for each package.

    A lock that names no local version (`+cu117`) takes any.
    """
    found = {
        _normal(name): version for name, _, version in (one.partition("==") for one in installed)
    }
    locked = {one.name: one.version for one in lock.requirements}
    missing = [f"{name}=={locked[name]} is missing" for name in sorted(locked.keys() - found)]
    extra = [f"{name}=={found[name]} is not locked" for name in sorted(found.keys() - locked)]
    other = [
        f"{name}: expected {locked[name]}, found {found[name]}"
        for name in sorted(locked.keys() & found)
        if not SpecifierSet(f"=={locked[name]}").contains(found[name], prereleases=True)
    ]
    return [*missing, *other, *extra]


def _normal(name: str) -> str:
    """A package's name as the index spells it: lower case, dashes."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _blocks(text: str) -> list[tuple[int, str]]:
    """Line number and text of each requirement with its continuation lines."""
    blocks: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and blocks:
            first, block = blocks[-1]
            blocks[-1] = (first, block + line)
        else:
            blocks.append((number, line))
    return blocks


def _requirement(path: Path, number: int, block: str) -> Requirement:
    pin, hashes = _PIN.match(block), _HASH.findall(block)
    if pin is None or not hashes:
        raise ManifestError(
            f"{path}:{number}: expected NAME==VERSION with --hash=sha256:..., found "
            f"{block.splitlines()[0]!r}",
            hint="locks are made by `make locks`; do not edit them by hand",
        )
    return Requirement(
        name=_normal(pin["name"]),
        version=pin["version"],
        hashes=frozenset(hashes),
        text=block.rstrip("\n") + "\n",
    )
