"""Fill the folder of a mirror, file by file, and verify one."""

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.assets.hashing import file_digest
from harness.environments.image_folder import ImageFolder
from harness.environments.mirror import (
    MirroredBase,
    MirroredFile,
    MirrorLayout,
    MirrorList,
    read_list,
)
from harness.environments.recipe import package_of
from harness.environments.requirements import MethodLock
from harness.errors import MismatchError, NotReadyError
from harness.files import locked, remove_tree, sync_tree, write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One thing that differs from the list."""

    path: str
    expected: str
    found: str


class MirrorFolder:
    """A mirror that is being filled. Whatever is in place is whole; what is not is made again."""

    def __init__(self, root: Path) -> None:
        self.layout = MirrorLayout(root)
        self.images = ImageFolder(self.layout.images)
        self._hashes: dict[str, str] = {}  # of packages, by name

    @contextmanager
    def filling(self) -> Iterator["MirrorFolder"]:
        """Hold the folder alone; until `finish` its list marks it incomplete."""
        self.layout.root.mkdir(parents=True, exist_ok=True)
        with locked(self.layout.lock):
            remove_tree(self.layout.arriving, quiet=True)
            self._write(replace(read_list(self.layout) or MirrorList(), complete=False))
            yield self
            remove_tree(self.layout.arriving, quiet=True)

    @contextmanager
    def arriving(self) -> Iterator[Path]:
        """A folder of our own on the mirror's file system, gone afterwards."""
        folder = self.layout.arriving / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            remove_tree(folder, quiet=True)

    def missing(self, lock: MethodLock) -> list[str]:
        """The packages of a lock that are not here."""
        here = self._package_hashes()
        requirements = (*lock.run.requirements, *(lock.build.requirements if lock.build else ()))
        return [
            one.name
            for one in requirements
            if not any(name == one.name and found in one.hashes for name, found in here)
        ]

    def take_packages(self, folder: Path, lock: MethodLock) -> None:
        """Take in downloaded packages. Raises MismatchError for one that the lock does not name."""
        self.layout.packages.mkdir(exist_ok=True)
        for file in sorted(path for path in folder.iterdir() if path.is_file()):
            found = file_digest(file)
            if found not in lock.hashes():
                raise MismatchError(
                    f"{file.name}: expected a hash of {lock.run.path}, found sha256 {found}",
                    hint="the registry sent another file; nothing of it was kept",
                )
            _place(file, self.layout.packages / file.name)
            self._hashes[file.name] = found
        if missing := self.missing(lock):
            raise NotReadyError(
                f"no file came for {', '.join(missing)} of {lock.run.path}",
                hint="read the log of the download; run the command again",
            )

    def take_asset(self, name: str, place: Path, kept_name: str) -> None:
        """Copy a verified asset, unless it is here."""
        target = self.layout.assets / name / kept_name
        if target.exists():
            return
        with self.arriving() as folder:
            fresh = folder / place.name
            copy = shutil.copytree if place.is_dir() else shutil.copy2
            copy(place, fresh)
            target.parent.mkdir(parents=True, exist_ok=True)
            _place(fresh, target)

    def finish(self, methods: Sequence[str], bases: Mapping[str, MirroredBase]) -> MirrorList:
        """Hash everything and write the list."""
        before = read_list(self.layout) or MirrorList()
        files = {
            name: MirroredFile(sha256=file_digest(path), size=path.stat().st_size)
            for name, path in _files(self.layout)
        }
        made = MirrorList(
            complete=True,
            methods=tuple(sorted({*before.methods, *methods})),
            bases={**before.bases, **bases},
            files=files,
        )
        self._write(made)
        return made

    def _write(self, listed: MirrorList) -> None:
        write_json(self.layout.list, listed.document())

    def _package_hashes(self) -> list[tuple[str, str]]:
        folder = self.layout.packages
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        for file in files:
            if file.name not in self._hashes:
                self._hashes[file.name] = file_digest(file)
        return [(package_of(file), self._hashes[file.name]) for file in files]


def verify_mirror(root: Path) -> tuple[MirrorList, list[Damage]]:
    """Hash every file of a mirror again. Raises NotReadyError if it is none."""
    layout = MirrorLayout(root)
    listed = read_list(layout)
    if listed is None:
        raise NotReadyError(
            f"{root}: expected a mirror, found no {layout.list.name}",
            hint="make one with `harness mirror create`",
        )
    found = dict(_files(layout))
    damage = [] if listed.complete else [_damage("", "a complete mirror", "one cut off")]
    for name, file in listed.files.items():
        if name not in found:
            damage.append(_damage(name, f"sha256 {file.sha256}", "no file"))
        elif (size := found[name].stat().st_size) != file.size:
            damage.append(_damage(name, f"{file.size} bytes", f"{size} bytes"))
        elif (sha256 := file_digest(found[name])) != file.sha256:
            damage.append(_damage(name, f"sha256 {file.sha256}", f"sha256 {sha256}"))
    extra = sorted(found.keys() - listed.files.keys())
    return listed, damage + [_damage(name, "no such file", "a file") for name in extra]


def _damage(path: str, expected: str, found: str) -> Damage:
    return Damage(path=path or "mirror.json", expected=expected, found=found)


def _files(layout: MirrorLayout) -> Iterator[tuple[str, Path]]:
    """Every file that counts, by its path in the mirror."""
    passing = {layout.list, layout.lock}
    folders = (layout.arriving, layout.images / ".arriving")
    for path in sorted(layout.root.rglob("*")):
        if path.is_file() and path not in passing and not any(map(path.is_relative_to, folders)):
            yield path.relative_to(layout.root).as_posix(), path


def _place(fresh: Path, target: Path) -> None:
    """Have the bytes on disk, then put them in place at once."""
    sync_tree(fresh)
    os.replace(fresh, target)
