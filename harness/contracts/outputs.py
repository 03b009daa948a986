"""Inspect what a step wrote: its tree first, then each output's contract and hash.

This runs in a child process (`harness.contracts.confined`): outputs come from foreign code.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contracts import check, content
from harness.contracts.failure import broken
from harness.contracts.limits import allow_memory_for
from harness.manifest.contract import Contract, Folder
from harness.manifest.placeholders import fill

_MAX_DEPTH = 64  # folders in folders
_READ_ONLY = 0o555
_GB = 2**30
_STRAY = Folder(kind="folder")  # stands for what belongs to no declared output


@dataclass(frozen=True, slots=True)
class Declared:
    """An output as its step declares it: its path under `out` and its contract."""

    path: str
    contract: Contract


def inspect_outputs(
    out: Path, outputs: Mapping[str, Declared], places: Mapping[str, str], max_bytes: float
) -> dict[str, Any]:
    """Check every output and describe it: files, bytes, sha256, contract summary, fingerprint.

    `places` are the host paths that templates of contracts name. Files become read-only.

    Raises:
        ContractError: an output breaks its contract; a link leads out of an output or is one; a
            name, kind or depth that no reader expects; more than `max_bytes` in all.

    """
    total = largest = 0
    for path, state in _tree(out, outputs):
        total, largest = total + state.st_size, max(largest, state.st_size)
        if total > max_bytes:
            raise broken(
                path,
                _owner(path, out, outputs).contract,
                expected=f"at most {max_bytes / _GB:.3g} GB of outputs (4 × `disk_gb`)",
                found=f"{total / _GB:.3g} GB up to here",
            )
    allow_memory_for(largest)
    return {name: _inspect(out / one.path, one, places) for name, one in outputs.items()}


def _inspect(path: Path, one: Declared, places: Mapping[str, str]) -> dict[str, Any]:
    summary = check(one.contract, path, lambda text: Path(fill(text, places.get)))
    for name, state in content.files_below(path):
        if state.st_mode & ~_READ_ONLY & 0o777:  # a change of no bits is a change of ctime
            (path / name).chmod(stat.S_IMODE(state.st_mode) & _READ_ONLY)
    before = content.fingerprint(path)
    described = content.describe(path)
    if content.fingerprint(path) != before:
        raise broken(
            path, one.contract, expected="files that nobody writes", found="a change meanwhile"
        )
    return {**described, "contract": summary, "fingerprint": before}


def _tree(out: Path, outputs: Mapping[str, Declared]) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file of `out` with its state; refuses what must not be there before a byte is read."""
    if out.is_symlink() or not out.is_dir():
        raise broken(out, _STRAY, expected="the step's own folder", found=_kind(out.lstat()))
    waiting = [(out, 0)]
    while waiting:
        folder, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise broken(
                out / folder.relative_to(out).parts[0],
                _owner(folder, out, outputs).contract,
                expected=f"at most {_MAX_DEPTH} folders in each other",
                found="more",
            )
        with os.scandir(folder) as entries:
            for entry in entries:
                path, state = Path(entry.path), entry.stat(follow_symlinks=False)
                _refuse_odd(path, state, out, outputs)
                if stat.S_ISDIR(state.st_mode):
                    waiting.append((path, depth + 1))
                elif stat.S_ISREG(state.st_mode):
                    yield path, state


def _refuse_odd(
    path: Path, state: os.stat_result, out: Path, outputs: Mapping[str, Declared]
) -> None:
    """Refuse a name that is no plain text, a link that leads out, a device, pipe or socket."""
    owner = _owner(path, out, outputs)
    if not _is_plain(path.name):
        named = path.with_name(path.name.encode(errors="surrogateescape").decode(errors="replace"))
        expected = "names in UTF-8 without control characters"
        raise broken(named, owner.contract, expected=expected, found=ascii(path.name))
    if stat.S_ISLNK(state.st_mode):
        _refuse_link(path, owner, out)
    elif not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
        expected = "files and folders only"
        raise broken(path, owner.contract, expected=expected, found=_kind(state))


def _refuse_link(link: Path, owner: Declared, out: Path) -> None:
    root = os.path.realpath(out / owner.path)
    target = os.readlink(link)  # noqa: PTH115 - the text as it is
    leads_to = Path(os.path.realpath(link))
    is_output = Path(out / owner.path).is_relative_to(link)
    inside = leads_to.is_relative_to(root) and leads_to.is_file()
    if is_output or os.path.isabs(target) or not inside:  # noqa: PTH117 - a text
        raise broken(
            link,
            owner.contract,
            expected="no link, or a relative one to a file in the same output",
            found=f"a link to {target!a}",
        )


def _owner(path: Path, out: Path, outputs: Mapping[str, Declared]) -> Declared:
    """The declared output that `path` belongs to or leads to."""
    for one in outputs.values():
        place = out / one.path
        if path.is_relative_to(place) or place.is_relative_to(path):
            return one
    return Declared(".", _STRAY)


def _is_plain(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return all(ord(sign) >= ord(" ") and sign != "\x7f" for sign in name)


def _kind(state: os.stat_result) -> str:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
    return kinds.get(stat.S_IFMT(state.st_mode), "a device, pipe or socket")
