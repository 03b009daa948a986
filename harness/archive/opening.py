"""Read the runs in an archive. Whoever wrote it may be a stranger: nothing in it is trusted.

Only files under `runs/` that its description lists are taken, each into a temporary folder of our
own, with the size and the hash that stand there.
"""

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol
from urllib.parse import unquote

from harness.archive.export import is_zip
from harness.errors import HarnessError, MismatchError, UsageError
from harness.layout import ArchiveLayout

_MOST_FILES = 200_000
_MOST_BYTES = 4 << 30  # of all files together
_MOST_METADATA = 256 << 20
_PIECE = 1 << 20
#: What reading a file of a folder or of a broken zip file may raise.
_UNREADABLE = (
    *(OSError, KeyError, EOFError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
_HINT = "name an archive that `harness record export` wrote"


@dataclass(frozen=True, slots=True)
class _Listed:
    """A file as the description lists it."""

    place: PurePosixPath
    size: int
    sha256: str


class _Archive(Protocol):
    """Where an archive's files are read from."""

    def open(self, place: PurePosixPath) -> IO[bytes]:
        """A regular file. Raises OSError or KeyError if there is none."""
        ...


@contextmanager
def opened(archive: Path) -> Iterator[Path]:
    """The `runs/` in an archive, a folder or a zip file; it is there within the context.

    Raises UsageError for what is no archive of harness, MismatchError for a file that is missing or
    is not as listed.
    """
    with (
        tempfile.TemporaryDirectory(prefix=f"{archive.name}-") as folder,
        _reading(archive) as held,
    ):
        for listed in _listed(archive, held):
            _take(archive, held, listed, Path(folder))
        yield Path(folder, ArchiveLayout.runs)


class _Folder:
    """An archive that is a folder; links in it lead nowhere."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, place: PurePosixPath) -> IO[bytes]:
        path = self._root
        for part in place.parts:
            path /= part
            if path.is_symlink():
                raise FileNotFoundError(f"{path} is a link")
        if not path.is_file():
            raise FileNotFoundError(f"{path} is no file")
        return path.open("rb")


class _Zip:
    """An archive that is a zip file."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def open(self, place: PurePosixPath) -> IO[bytes]:
        entry = self._file.getinfo(str(place))
        kind = entry.external_attr >> 28  # of Unix's mode; 0 where another system wrote it
        if kind not in {0, 8}:
            raise FileNotFoundError(f"{place} is no plain file")
        return self._file.open(entry)


@contextmanager
def _reading(archive: Path) -> Iterator[_Archive]:
    if archive.is_dir():
        yield _Folder(archive)
        return
    if not archive.exists():
        raise UsageError(f"--from {archive}: there is no such archive", hint=_HINT)
    try:
        file = zipfile.ZipFile(archive)
    except (OSError, zipfile.BadZipFile) as error:
        what = "cannot be opened" if is_zip(archive) else "is neither a folder nor a zip file"
        raise UsageError(f"--from {archive}: {what}: {error}", hint=_HINT) from error
    with file:
        yield _Zip(file)


def _listed(archive: Path, held: _Archive) -> list[_Listed]:
    """The files under `runs/` that the archive's description lists. Raises UsageError."""
    try:
        graph = json.loads(_metadata(held))["@graph"]
        found = [_file(one) for one in graph if _is_run_file(one)]
    except (*_UNREADABLE, ValueError, TypeError, RecursionError) as error:
        raise UsageError(
            f"--from {archive}: {ArchiveLayout.metadata} cannot be read: {error}", hint=_HINT
        ) from error
    _refuse_too_much(archive, found)
    return found


def _metadata(held: _Archive) -> bytes:
    with held.open(PurePosixPath(ArchiveLayout.metadata)) as file:
        content = file.read(_MOST_METADATA + 1)
    if len(content) > _MOST_METADATA:
        raise ValueError(f"it is larger than {_MOST_METADATA >> 20} MB")
    return content


def _is_run_file(one: Mapping[str, Any]) -> bool:
    kinds = one["@type"]
    return "File" in (kinds if isinstance(kinds, list) else [kinds]) and unquote(
        one["@id"]
    ).startswith(f"{ArchiveLayout.runs}/")


def _file(one: Mapping[str, Any]) -> _Listed:
    """Raises ValueError for a place that could lead out of the archive."""
    name = unquote(one["@id"])
    place = PurePosixPath(name)
    odd = not name.isprintable() or "\\" in name or str(place) != name
    if odd or place.is_absolute() or ".." in place.parts:
        raise ValueError(f"{name!a} is no place in an archive")
    size = int(one["contentSize"])
    if size < 0:
        raise ValueError(f"{name} has {size} bytes")
    return _Listed(place, size, str(one["sha256"]))


def _refuse_too_much(archive: Path, found: list[_Listed]) -> None:
    size = sum(one.size for one in found)
    if not found:
        raise UsageError(f"--from {archive}: it holds no run", hint=_HINT)
    if len(found) > _MOST_FILES or size > _MOST_BYTES:
        raise UsageError(
            f"--from {archive}: {len(found)} files with {size / 1e9:.1f} GB; at most "
            f"{_MOST_FILES} files and {_MOST_BYTES / 1e9:.1f} GB are read",
            hint="export fewer runs into one archive",
        )


def _take(archive: Path, held: _Archive, listed: _Listed, root: Path) -> None:
    """Copy one file. Raises MismatchError unless it is as listed."""
    target = root / listed.place
    found = hashlib.sha256()
    size = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with held.open(listed.place) as source, target.open("xb") as sink:
            while size <= listed.size and (piece := source.read(_PIECE)):
                size += len(piece)
                found.update(piece)
                sink.write(piece)
    except _UNREADABLE as error:
        raise _other(archive, listed, str(error)) from error
    if size != listed.size or found.hexdigest() != listed.sha256:
        more = " or more" if size > listed.size else ""
        raise _other(archive, listed, f"{size} bytes{more}, sha256 {found.hexdigest()[:16]}…")


def _other(archive: Path, listed: _Listed, found: str) -> HarnessError:
    expected = f"{listed.size} bytes, sha256 {listed.sha256[:16]}…"
    return MismatchError(
        f"--from {archive}: {listed.place}: expected {expected}, found {found}",
        hint="the archive was damaged or changed: get it again from whoever made it",
    )
