"""Hash assets: files by their bytes, folders by what is in them; and recognise unchanged ones."""

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_THREADS = 4  # hashing releases the interpreter lock


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Hash of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def digest(path: Path) -> str:
    """sha256 of a file, or of a folder's sorted lines `path, size, sha256` (one per file).

    Links are followed, as steps follow them; empty folders do not count.
    """
    if not path.is_dir():
        return file_digest(path)
    files = list(_files(path))
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="hashing") as pool:
        hashes = pool.map(lambda entry: file_digest(path / entry[0]), files)
        lines = (
            f"{name}\0{found.st_size}\0{hash_}\n"
            for (name, found), hash_ in zip(files, hashes, strict=True)
        )
        return _sha256(lines)


def fingerprint(path: Path) -> str:
    """What a change of any file's bytes also changes: sizes, modification times and inodes."""
    files = _files(path) if path.is_dir() else iter([("", path.stat())])
    return _sha256(f"{n}\0{f.st_size}\0{f.st_mtime_ns}\0{f.st_ino}\n" for n, f in files)


def _sha256(lines: Iterator[str]) -> str:
    total = hashlib.sha256()
    for line in lines:
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Relative path and state of every file below `root`, sorted by path."""
    found: list[tuple[str, os.stat_result]] = []
    _collect(root, "", (), found)
    return iter(sorted(found, key=lambda entry: entry[0]))


def _collect(
    folder: Path,
    prefix: str,
    above: tuple[tuple[int, int], ...],
    found: list[tuple[str, os.stat_result]],
) -> None:
    state = folder.stat()
    here = (state.st_dev, state.st_ino)
    if here in above:  # a link to a folder that it lies in
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                state = entry.stat()
            except FileNotFoundError:  # a link to nothing holds nothing
                continue
            if stat.S_ISDIR(state.st_mode):
                _collect(Path(entry.path), f"{prefix}{entry.name}/", (*above, here), found)
            elif stat.S_ISREG(state.st_mode):
                found.append((f"{prefix}{entry.name}", state))
