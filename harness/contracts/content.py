"""What is in an output: every file with its state, one hash of all, and a mark of no change."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.contracts.files import in_order


def files_below(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Relative path and state of a file (""), or of every file below a folder, sorted by path.

    Links are followed to files, not to folders. Nothing is read.
    """
    if not path.is_dir():
        yield "", path.stat()
        return
    found = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(path / prefix) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{prefix}{entry.name}/")
                elif stat.S_ISREG((state := entry.stat()).st_mode):
                    found.append((f"{prefix}{entry.name}", state))
    yield from sorted(found, key=lambda one: one[0].split("/"))


def describe(path: Path) -> dict[str, Any]:
    """Files, bytes and one sha256 of an output (of a folder: over names and file hashes)."""
    if path.is_file():
        return {"files": 1, "bytes": path.stat().st_size, "sha256": file_hash(path)}
    found, total = list(files_below(path)), hashlib.sha256()
    hashes = in_order(file_hash, [path / name for name, _ in found])
    for (name, _), hash_ in zip(found, hashes, strict=True):
        total.update(f"{name}\0{hash_}\n".encode())
    size = sum(state.st_size for _, state in found)
    return {"files": len(found), "bytes": size, "sha256": total.hexdigest()}


def file_hash(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure(path: Path) -> tuple[int, int]:
    """Files and bytes of a file or folder, as records count them."""
    sizes = [state.st_size for _, state in files_below(path)]
    return len(sizes), sum(sizes)


def fingerprint(path: Path) -> str:
    """What a change of any file's bytes also changes: names, sizes, times and inodes.

    The kernel sets the change time (ctime) itself: a program that puts the old modification time
    back cannot put back this one.
    """
    total = hashlib.sha256()
    for name, f in files_below(path):
        line = f"{name}\0{f.st_size}\0{f.st_mtime_ns}\0{f.st_ctime_ns}\0{f.st_ino}\n"
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def same(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether an output is what its record says: files, bytes and hash."""
    return all(recorded.get(name) == found[name] for name in ("files", "bytes", "sha256"))
