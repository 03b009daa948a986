"""Write files whole or not at all, flush them to disk, and lock files: the only place for each."""

import errno
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

#: What the kernel answers where a disk is full, where we may not write, and where a disk fails.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
SHUT = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
FAILING = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ETIMEDOUT})
#: What the kernel answers where a file system has no files without a name.
_NO_TMPFILE = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
_DIGEST = "digest"  # of the rest of a sealed file
#: A file system's journal writes what is flushed at the same time at once (ext4, XFS), and a server
#: answers several requests (NFS): 10,000 small files are flushed in a tenth of the time.
_FLUSHED_TOGETHER = 16


class DamagedFile(Exception):  # noqa: N818 - what it is, for whoever decides what to do about it
    """A file of ours cannot be read: it was cut, emptied or changed."""


def read_json(path: Path) -> Any | None:
    """The JSON in a file of ours; None if there is no file. Raises DamagedFile."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedFile(f"{path} cannot be read: {error}") from error
    if found is None:  # we write none; so None says that there was no file when it was read
        raise DamagedFile(f"{path} cannot be read: it holds null") from ValueError("it holds null")
    return found


def read_sealed(path: Path) -> dict[str, Any] | None:
    """What `write_sealed` wrote; None if there is no file. Raises DamagedFile if it was changed."""
    found = read_json(path)
    if found is None:
        return None
    content = dict(found) if isinstance(found, dict) else {}
    digest = content.pop(_DIGEST, None)
    if not content or digest != _digest(content):
        raise DamagedFile(f"{path} is not as it was written")
    return content


def write_sealed(
    path: Path,
    value: Mapping[str, Any],
    *,
    sort_keys: bool = True,
    in_lines: bool = True,
    flush: bool = True,
) -> None:
    """Write a JSON object with a digest of itself, as `write_json`: a change of it is seen."""
    write_text(path, sealed(value, sort_keys=sort_keys, in_lines=in_lines), flush=flush)


def sealed(value: Mapping[str, Any], *, sort_keys: bool = True, in_lines: bool = True) -> str:
    """What `write_sealed` writes."""
    content = {name: item for name, item in value.items() if name != _DIGEST}
    whole = {**content, _DIGEST: _digest(content)}
    return _text(whole, sort_keys=sort_keys, in_lines=in_lines)


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write_bytes(path: Path, content: bytes, *, flush: bool = True) -> None:
    """Replace `path` so that a reader, or a machine that loses power, has the old or the new file.

    Missing folders are made. Raises OSError; then nothing is left beside the old file. Without
    `flush` a machine that loses power may lose it: for what counts for nothing then, or is flushed
    later.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with _nameless(path.parent, fresh) as file:
            file.write(content)
            file.flush()
            if flush:
                os.fsync(file.fileno())
            if not fresh.exists():
                _name(file.fileno(), fresh)
        os.replace(fresh, path)
        if flush:
            sync(path.parent)
    except OSError as error:
        error.filename = error.filename or str(path)  # that of a write has none
        raise
    finally:
        fresh.unlink(missing_ok=True)


def _nameless(folder: Path, name: Path) -> BinaryIO:
    """A new file in a folder that goes with a process that is killed; else one with a name.

    Network file systems, for example, have only the second kind.
    """
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in _NO_TMPFILE:
            raise
        return name.open("xb")
    return os.fdopen(descriptor, "wb")


def _name(descriptor: int, path: Path) -> None:
    """Give a file without a name its first one, now that it is whole."""
    # Only with a folder's descriptor, which an absolute path makes no use of, does Python ask the
    # kernel to follow the link (cpython#81793).
    source = f"/proc/self/fd/{descriptor}"
    os.link(source, path, src_dir_fd=descriptor, follow_symlinks=True)


def write_text(path: Path, text: str, *, flush: bool = True) -> None:
    """Write UTF-8 text, as `write_bytes`."""
    write_bytes(path, text.encode(), flush=flush)


def write_json(
    path: Path,
    value: Any,
    *,
    sort_keys: bool = True,
    in_lines: bool = True,
    flush: bool = True,
) -> None:
    """Write JSON, as `write_bytes`; keys in order unless their own order means something.

    What people do not read goes into one line, which takes a tenth of the time.
    """
    write_text(path, _text(value, sort_keys=sort_keys, in_lines=in_lines), flush=flush)


def _text(value: Any, *, sort_keys: bool, in_lines: bool) -> str:
    return f"{json.dumps(value, indent=1 if in_lines else None, sort_keys=sort_keys)}\n"


def write_if_changed(path: Path, text: str) -> None:
    """Write text, as `write_bytes`, unless the file holds it already."""
    if not (path.is_file() and path.read_bytes() == text.encode()):
        write_text(path, text)


def sync(path: Path) -> None:
    """Flush a file or a folder's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(root: Path) -> None:
    """Flush a file, or every file and folder at and below `root`, to disk; links are left out."""
    if not root.is_dir():
        sync(root)
        return
    found: list[Path] = []
    for folder, _, names in os.walk(root):
        paths = (Path(folder, name) for name in names)
        found += [Path(folder), *(path for path in paths if not path.is_symlink())]
    list(_flushers().map(sync, found))


@cache
def _flushers() -> ThreadPoolExecutor:
    """Threads that stay, because to start them takes longer than to flush a small step's files."""
    return ThreadPoolExecutor(_FLUSHED_TOGETHER, thread_name_prefix="sync")


def remove_tree(path: Path, *, quiet: bool = False) -> None:
    """Remove a file, a link, or a folder with all below it, however deep; nothing if it is gone.

    Raises OSError for what cannot be removed; if `quiet`, it stays without an error.
    """
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            _remove_folder(path)
    except OSError:
        if not quiet:
            raise


def _remove_folder(root: Path) -> None:
    # Folders move up into `root` before they are emptied: no recursion, no path grows too long.
    waiting = _emptied(root, root)
    while waiting:
        folder = waiting.pop()
        waiting += _emptied(folder, root)
        folder.rmdir()
    root.rmdir()


def _emptied(folder: Path, root: Path) -> list[Path]:
    """Unlink what is in `folder`, and move its folders up into `root`: their new places."""
    folder.chmod(0o700)
    moved = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)  # noqa: PTH108 - its name may be no UTF-8
                continue
            place = root / f".{uuid.uuid4().hex}"
            os.chmod(entry.path, 0o700)  # noqa: PTH101 - moving a folder writes into it
            os.rename(entry.path, place)
            moved.append(place)
    return moved


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` alone, across threads and processes; the kernel frees it when the holder dies."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Lock `path` unless somebody else holds it; a descriptor that holds it until closed."""
    descriptor = open_lock(path)
    if lock_now(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def open_lock(path: Path) -> int:
    """A descriptor of the lock file `path`, made if it is not there; nothing is locked yet.

    Where we may only read, it is that of a lock file that is there. If there is none nobody works
    there, and what we get holds nobody up.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Open for writing: network file systems lock nothing else.
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in SHUT:
            raise
        if path.exists():
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return os.memfd_create(path.name, os.MFD_CLOEXEC)


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock file `path`; nothing is written."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lock_now(descriptor: int) -> bool:
    """Lock an open lock file unless somebody else holds it; whether it is held now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
