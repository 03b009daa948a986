"""Files of upstream repositories that have a contract: checked before anything starts."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from harness.contracts import ContractError, check
from harness.contracts.confined import CONFINED
from harness.contracts.failure import WARNINGS
from harness.doctor.check import State, UpstreamFile
from harness.errors import HarnessError
from harness.files import remove_tree
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.catalogue import Repository
from harness.manifest.contract import Contract
from harness.manifest.model import Scale
from harness.sources.sources import Sources


class Folders(Protocol):
    """Where a command works."""

    @property
    def project(self) -> ProjectLayout:
        """The project."""
        ...

    @property
    def cache(self) -> CacheLayout:
        """The cache with its checkouts."""
        ...

    @property
    def mirror(self) -> Path | None:
        """The mirror that was named."""
        ...


def upstream_files(
    folders: Folders, method: str, repositories: Mapping[str, Repository]
) -> tuple[UpstreamFile, ...]:
    """The files with contracts of these repositories, each checked if it is here.

    It is looked for in the cache's checkouts, and in the mirror if one is named.
    """
    found: list[UpstreamFile] = []
    for name, repository in repositories.items():
        if repository.contracts:
            try:
                with _checkout(folders, name, repository) as root:
                    found += _checked(name, repository, root, method)
            except HarnessError as error:
                found += [_missing(f"{name}/{path}", error) for path in repository.contracts]
    return tuple(found)


@contextmanager
def _checkout(folders: Folders, name: str, repository: Repository) -> Iterator[Path | None]:
    """The newest checkout that has all these files, else one made of the mirror for now."""
    checkouts = [
        folder
        for folder in folders.cache.checkouts.glob(f"{name}-*")
        if all((folder / path).is_file() for path in repository.contracts)
    ]
    if checkouts or folders.mirror is None:
        yield max(checkouts, key=lambda folder: folder.stat().st_mtime_ns, default=None)
        return
    place = Path(tempfile.mkdtemp(prefix="harness-"))
    try:
        yield _of_mirror(folders, name, repository, place)
    finally:
        remove_tree(place)


def _of_mirror(folders: Folders, name: str, repository: Repository, place: Path) -> Path:
    from harness.sources.git import GitCommands

    sources = Sources(GitCommands(), CacheLayout(place), folders.project, folders.mirror)
    return sources.checkout(name, repository, (), scale=Scale.PAPER).path


def _checked(
    name: str, repository: Repository, root: Path | None, method: str
) -> Iterator[UpstreamFile]:
    for path, contract in repository.contracts.items():
        if root is None:
            yield UpstreamFile(
                name=f"{name}/{path}",
                state=State.NOTE,
                found="not here yet, so not checked",
                fix=f"to check it now: `harness fetch {method}`, then this again",
            )
        else:
            yield _judged(f"{name}/{path}", contract, root, path)


def _judged(name: str, contract: Contract, root: Path, path: str) -> UpstreamFile:
    try:
        found: dict[str, object] = CONFINED.call(
            check, contract, root / path, partial(Path, root), what=str(root / path)
        )
    except ContractError as error:
        return _missing(name, error)
    warnings = found.pop(WARNINGS, None)
    text = ", ".join(f"{what} {value}" for what, value in found.items())
    if isinstance(warnings, list):
        fix = f"{name}: it will be used as it is"
        return UpstreamFile(
            name=name, state=State.NOTE, found="; ".join([text, *warnings]), fix=fix
        )
    return UpstreamFile(name=name, state=State.OK, found=text)


def _missing(name: str, error: HarnessError) -> UpstreamFile:
    return UpstreamFile(name=name, state=State.MISSING, found=str(error), fix=error.hint)
