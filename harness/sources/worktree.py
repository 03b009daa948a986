"""Folders of files as git sees them: written from blobs, read back as ids, sealed, copied."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from harness.errors import SourceMismatch
from harness.files import remove_tree
from harness.sources.git_objects import Entry, Mode, blob_id

_HINT = "do not use this commit, or leave the path out of `sparse`"


def write_files(
    root: Path, name: str, entries: Mapping[str, Entry], blobs: Iterator[tuple[str, bytes]]
) -> None:
    """Write `entries` below `root`, plain files first, so that none goes through a link.

    Raises SourceMismatch for a path or link that leaves the checkout of `name`.
    """
    places: dict[str, list[str]] = {}
    links: dict[str, bytes] = {}
    for path, entry in entries.items():
        _refuse_outer(name, path)
        places.setdefault(entry.id, []).append(path)
    for object_id, data in blobs:
        for path in places[object_id]:
            if entries[path].mode == Mode.LINK:
                links[path] = data
                continue
            _write(root / path, data, executable=entries[path].mode == Mode.EXECUTABLE)
    for path, target in links.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(os.fsdecode(target))
    for path, target in links.items():
        _refuse_escape(root, name, path, os.fsdecode(target))


def read_entries(root: Path) -> dict[str, Entry]:
    """Mode and id of every file and link below `root`, computed from what is on disk."""
    found = {}
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = Entry(Mode.LINK, blob_id(os.fsencode(path.readlink())))
        else:
            runs = path.stat().st_mode & stat.S_IXUSR
            found[name] = Entry(Mode.EXECUTABLE if runs else Mode.FILE, blob_id(path.read_bytes()))
    return found


def seal(root: Path) -> None:
    """Take the right to write from everything below and at `root`."""
    _change_modes(root, lambda mode: mode & ~0o222)


def unseal(root: Path) -> None:
    """Give the owner the right to write everything below and at `root`."""
    _change_modes(root, lambda mode: mode | 0o200)


def copy_writable(root: Path, target: Path) -> None:
    """Copy a sealed folder to `target` (missing or empty), writable; links and x bits stay."""
    shutil.copytree(root, target, symlinks=True, dirs_exist_ok=True)
    unseal(target)


def remove(root: Path) -> None:
    """Remove a folder, sealed or not; nothing happens if it is not there."""
    if root.is_dir():
        unseal(root)
        remove_tree(root)


def _write(path: Path, data: bytes, *, executable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755 if executable else 0o644)


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        links = [name for name in names if Path(folder, name).is_symlink()]
        yield from (Path(folder, name) for name in (*files, *links))


def _change_modes(root: Path, change: Callable[[int], int]) -> None:
    root.chmod(change(stat.S_IMODE(root.stat().st_mode)))  # before going in: it may be sealed
    for folder, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(change(stat.S_IMODE(path.stat().st_mode)))


def _refuse_outer(name: str, path: str) -> None:
    names = path.split("/")
    if any(one in {"", ".", ".."} or one.lower() == ".git" for one in names):
        raise SourceMismatch(
            f"{name}/{path}",
            expected="a path inside the checkout",
            found="one that leaves it or is git's own",
            hint=_HINT,
        )


def _refuse_escape(root: Path, name: str, path: str, target: str) -> None:
    inside = Path(os.path.realpath(root / path)).is_relative_to(root.resolve())
    if target.startswith("/") or not inside:
        raise SourceMismatch(
            f"{name}/{path}",
            expected="a link that stays inside the checkout",
            found=f"one to {target}",
            hint=_HINT,
        )
