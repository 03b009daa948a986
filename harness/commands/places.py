"""The folders that a command works in: found, and looked at once before anything is done.

A wrong name is a UsageError; a folder that cannot be used as it is, a NotReadyError. Both say which
option or variable named the folder.
"""

import errno
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path

from harness import again
from harness.errors import DiskFull, HarnessError, NotReadyError, UsageError
from harness.files import FAILING, FULL, SHUT, write_bytes
from harness.layout import CacheLayout, ProjectLayout

_MARK = Path("manifests", "repos.yaml")
_PACKAGE = Path(__file__).resolve().parent.parent

_WRONG = frozenset({errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR})
_BYTES = re.compile("[\udc80-\udcff]")  # what stands for bytes that are not UTF-8
_NAME_A_FILE = "name a file; it is made if it is not there"
_BLOCK = 4096  # bytes
_LITTLE = 1 << 20  # bytes


def absolute(path: Path, name: str) -> Path:
    """The path with `~` and links resolved; `name` is the option or variable that gave it.

    Raises UsageError if it has no meaning here, is a link to nowhere, or is not UTF-8.
    """
    try:
        expanded = path.expanduser().absolute()
        for part in (expanded, *expanded.parents):
            if part.is_symlink() and not part.exists():
                raise UsageError(
                    f"{name} {path}: {part} is a link to {part.readlink()}, which is not there",
                    hint="mount or make what it leads to, or name another place",
                )
        found = expanded.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no such home, or a loop
        raise UsageError(f"{name} {path}: {_reason(error)}", hint="name another place") from error
    if _BYTES.search(str(found)):  # no record could hold it
        raise UsageError(
            f"{name} {path}: a name in {found} is not UTF-8",
            hint="give the folder another name, or name another place",
        )
    return found


def folder_there(path: Path, name: str) -> Path:
    """A folder that must be there and be readable, as `absolute`."""
    found = absolute(path, name)
    try:
        if not found.is_dir():
            what = "is a file, not a folder" if found.exists() else "there is no such folder"
            raise UsageError(f"{name} {path}: {what}", hint=f"correct {name}, or leave it out")
        with os.scandir(found):
            return found
    except OSError as error:
        raise _unusable(error, name, path, "read") from error


def folder_to_be(path: Path, name: str) -> Path:
    """A folder that is there or can be made: nothing but folders lead there. As `absolute`."""
    found = absolute(path, name)
    _nearest_folder(found, name, path, hint="name a folder; it is made if it is not there")
    return found


def file_to_be(path: Path, name: str) -> Path:
    """A file that can be written, looked at before the work that it is to tell of.

    As `absolute` and `refuse_unwritable`; raises UsageError, too, for a folder or a device.
    """
    found = absolute(path, name)
    refuse_unwritable(found.parent, name, path)
    if found.exists() and not found.is_file():
        what = "a folder" if found.is_dir() else "a device or a pipe"
        raise UsageError(f"{name} {path}: it is {what}, not a file", hint=_NAME_A_FILE)
    return found


def refuse_unwritable(folder: Path, name: str, path: Path) -> None:
    """Raise an error, as `make_writable`, if `path` cannot be made in `folder`; nothing is left."""
    make_writable(_nearest_folder(folder, name, path, hint=_NAME_A_FILE), name)


def make_writable(folder: Path, name: str) -> None:
    """Make the folder and write a file in it. Raises NotReadyError, DiskFull or UsageError."""
    trial = folder / f".trial-{uuid.uuid4().hex[:8]}"
    try:
        write_bytes(trial, bytes(_BLOCK))
        trial.unlink()
    except OSError as error:
        raise _unusable(error, name, folder, "written") from error


def disk_error(error: OSError, folders: Iterable[Path]) -> HarnessError | None:
    """What an error of a disk means to the user; None if it is none of a disk.

    An error of a copy names the source first, one of a write no file at all: of all places that it
    may be about, one without space is named.
    """
    if error.errno not in FULL | SHUT | FAILING:
        return None
    named = [Path(name) for name in (error.filename2, error.filename) if name]
    places = [*named, *folders, Path(tempfile.gettempdir())]
    full = [place for place in places if error.errno in FULL and _is_full(place)]
    where = (full or named or [Path("a disk")])[0]
    kind = DiskFull if error.errno in FULL | FAILING else NotReadyError
    hint = "free space there" if error.errno in FULL else "see its permissions and its disk"
    return kind(
        f"{where} cannot be used: {error.strerror}",
        hint=f"{hint}, or name another place: --runs DIR, HARNESS_CACHE, TMPDIR",
    )


def find_project(asked: Path | None) -> ProjectLayout:
    """--project, HARNESS_PROJECT, upward from the working directory, else the installed copy."""
    named = asked or (Path(env) if (env := os.environ.get("HARNESS_PROJECT")) else None)
    if named is not None:
        root = absolute(named, "--project (HARNESS_PROJECT)")
        if not os.path.exists(root / _MARK):  # noqa: PTH110 - False, too, where nobody may look
            raise UsageError(
                f"--project (HARNESS_PROJECT) {named} is no harness project: it has no {_MARK}",
                hint="name a folder with manifests/, dockerfiles/ and patches/",
            )
        return ProjectLayout(root)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _MARK).exists():
            return ProjectLayout(folder)
    installed = _PACKAGE / "_project"
    return ProjectLayout(installed if installed.exists() else _PACKAGE.parent)


def marks_before(project: ProjectLayout) -> tuple[Path, ...]:
    """What would have another project found from the working directory, if it were there."""
    here = Path.cwd()
    folders = (folder for folder in (here, *here.parents) if folder != project.root)
    return tuple(folder / _MARK for folder in folders)


def is_installed(project: ProjectLayout) -> bool:
    """Whether it is the installed copy, which nobody should write into."""
    return project.root.is_relative_to(_PACKAGE)


def default_runs(project: ProjectLayout) -> Path:
    """The project's runs/; for the installed copy the one in the working directory."""
    return (Path.cwd() if is_installed(project) else project.root) / "runs"


def find_runs_folder(
    asked: Path | None, project: ProjectLayout, name: str = "--runs", *, inspects: bool = False
) -> Path:
    """--runs, else the usual place; with `inspects` a folder that was asked for must be there."""
    if asked is not None and inspects:
        return folder_there(asked, name)
    return folder_to_be(asked or default_runs(project), name)


def find_cache(usual: Path | None = None) -> CacheLayout:
    """HARNESS_CACHE, else the usual one, else harness's folder in the user's cache."""
    named = os.environ.get("HARNESS_CACHE")
    place = Path(named) if named else usual or Path(again.users_cache(), "harness")
    return CacheLayout(folder_to_be(place, "HARNESS_CACHE"))


def _nearest_folder(folder: Path, name: str, path: Path, *, hint: str) -> Path:
    """The nearest to a folder that is there. Raises UsageError if that is none."""
    try:
        nearest = next(part for part in (folder, *folder.parents) if part.exists())
    except OSError as error:
        raise _unusable(error, name, path, "read") from error
    if not nearest.is_dir():
        where = "it" if nearest == path else nearest
        raise UsageError(f"{name} {path}: {where} is a file, not a folder", hint=hint)
    return nearest


def _unusable(error: OSError, name: str, path: Path, verb: str) -> HarnessError:
    what = f"{name} {path} cannot be {verb}: {_reason(error)}"
    if error.errno in _WRONG:
        return UsageError(what, hint="name a folder")
    if error.errno in FULL:
        return DiskFull(what, hint=f"free space there, or name another place by {name}")
    return NotReadyError(what, hint=f"name a place that you can use by {name}")


def _is_full(folder: Path) -> bool:
    nearest = next(part for part in (folder, *folder.parents) if part.exists())
    return shutil.disk_usage(nearest).free < _LITTLE


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
