"""Hash assets: files by their bytes, folders by what is in them; and recognise unchanged ones."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.assets.belonging import belonging, lists_in
from harness.manifest.contract import Contract
from harness.readers.id_lists import ListError, read_ids

_THREADS = 4  # hashing releases the interpreter lock


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Hash of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def digest(contract: Contract, path: Path) -> str:
    """sha256 of a file, or of a folder's sorted lines `path, size, sha256` (one per file).

    Of a folder only the files that belong to the asset count, and of lists of ids only the ids.
    Links are followed, as steps follow them; empty folders do not count.
    """
    if not path.is_dir():
        return file_digest(path)
    lists = lists_in(contract)

    def line(entry: tuple[str, os.stat_result]) -> str:
        name, state = entry
        if name in lists:
            return f"{name}\0{_ids_digest(path / name)}\n"
        return f"{name}\0{state.st_size}\0{file_digest(path / name)}\n"

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="hashing") as pool:
        return _sha256(pool.map(line, _files(contract, path)))


def _ids_digest(file: Path) -> str:
    """sha256 of a list's ids, or of its bytes if it is none, which the contract then refuses."""
    try:
        return _sha256(f"{name}\n" for name in read_ids(file))
    except ListError:
        return file_digest(file)


def fingerprint(contract: Contract, path: Path) -> str:
    """What a change of any file's bytes also changes: sizes, times of both kinds and inodes."""
    files = _files(contract, path) if path.is_dir() else iter([("", path.stat())])
    return _sha256(
        f"{n}\0{f.st_size}\0{f.st_mtime_ns}\0{f.st_ctime_ns}\0{f.st_ino}\n" for n, f in files
    )


def _sha256(lines: Iterable[str]) -> str:
    total = hashlib.sha256()
    for line in lines:
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _files(contract: Contract, root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Relative path and state of every file of `root` that belongs to it, sorted by path."""
    names = belonging(contract, root)
    if names is not None:
        return ((name, (root / name).stat()) for name in names)
    return iter(sorted(_below(root), key=lambda entry: entry[0]))


def _below(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder, through links too; a link to a folder it lies in is left out."""
    waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [("", ())]
    while waiting:
        prefix, above = waiting.pop()
        state = (root / prefix).stat()
        here = (state.st_dev, state.st_ino)
        if here in above:
            continue
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                try:
                    state = entry.stat()
                except FileNotFoundError:  # a link to nothing holds nothing
                    continue
                if stat.S_ISDIR(state.st_mode):
                    waiting.append((f"{prefix}{entry.name}/", (*above, here)))
                elif stat.S_ISREG(state.st_mode):
                    yield f"{prefix}{entry.name}", state
