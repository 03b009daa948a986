"""Unpack archives that came from outside: nothing may land beyond the folder asked for."""

import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from harness.errors import MismatchError
from harness.manifest.catalogue import Unpack


def unpack(archive: Path, how: Unpack, folder: Path) -> Path:
    """Extract member `how.member` (with all below it) into `folder`; its path there.

    Raises:
        MismatchError: the archive is cut off, does not have the member, or reaches out of `folder`.

    """
    folder.mkdir(parents=True)
    try:
        extract = {"tar": _tar, "zip": _zip}[how.format]
        extract(archive, how.member, folder)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise MismatchError(
            f"{archive} cannot be unpacked as {how.format}: {error}",
            hint="the file is cut off or another one; get it again",
        ) from error
    member = folder / how.member
    if not member.exists():
        raise MismatchError(
            f"{archive} is not the archive expected: it holds no {how.member}",
            hint="get the file that the manifest names",
        )
    return member


def _below(name: str, member: str) -> bool:
    name = name.removeprefix("./").rstrip("/")
    return member in {".", name} or name.startswith(f"{member}/")


def _tar(archive: Path, member: str, folder: Path) -> None:
    with tarfile.open(archive) as file:
        for entry in file:
            if _below(entry.name, member):
                file.extract(entry, folder, filter="data")


def _zip(archive: Path, member: str, folder: Path) -> None:
    root = folder.resolve()
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            if not _below(entry.filename, member) or entry.is_dir():
                continue
            target = (root / entry.filename).resolve()
            if not target.is_relative_to(root):
                raise zipfile.BadZipFile(f"{entry.filename} leads out of the archive")
            target.parent.mkdir(parents=True, exist_ok=True)
            with file.open(entry) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
