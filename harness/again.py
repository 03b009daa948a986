"""A call made again with nothing changed since: its answer is in a note.

`harness reproduce` leaves a note where it found everything done (`cli/again.py`): what it looked
at, the state of that, and what it printed. The same call is answered from the note as long as that
state is the same. `reproduce` asks here first, so nothing is imported that takes time.
"""

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from typing import Any

_SCHEMA = 1
#: Variables that differ from call to call, of which none is read.
_PASSING = {"_", "SHLVL", "OLDPWD"}
_GENERATED = "__pycache__"


class Unsure(Exception):  # noqa: N818 - what we are
    """What was looked at cannot be told from something else: a linked folder."""


def answered() -> bool:
    """Print what this same call printed before, if nothing that it looked at has changed since."""
    try:
        note = _read(note_file())
    except FileNotFoundError:  # the working directory is gone
        return False
    if note is None or not all(os.access(one, os.W_OK) for one in note["writes"]):
        return False
    try:
        if any(state(**one["at"]) != one["state"] for one in note["looked"]):
            return False
        os.utime(note["plan"])  # as if it had been executed: the newest plan is what `status` shows
    except (Unsure, OSError):
        return False
    return all(_print(name, text) for name, text in note["printed"])


def _print(name: str, text: str) -> bool:
    """Whether a stream took the text; the command line knows what to do with one that does not."""
    stream = getattr(sys, name)
    stream.reconfigure(errors="backslashreplace")
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        return False
    return True


def note_file() -> str:
    """Where the note of this call is: of these words, here, with these variables and terminal."""
    variables = sorted(pair for pair in os.environ.items() if pair[0] not in _PASSING)
    terminals = [
        list(os.get_terminal_size(stream.fileno())) if stream.isatty() else None
        for stream in (sys.stdout, sys.stderr)
    ]
    call = [_SCHEMA, sys.version, sys.executable, sys.argv, os.getcwd(), variables, terminals]
    name = hashlib.sha256(json.dumps(call).encode()).hexdigest()
    return os.path.join(_folder(), f"{name}.note")


def sealed(note: dict[str, Any]) -> bytes:
    """What the file of a note holds: a hash of the rest, and the note."""
    text = json.dumps(note).encode()
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def state(
    below: Iterable[str] = (), names: Iterable[str] = (), replaced: Iterable[str] = ()
) -> str:
    """One hash of all files at or below some paths, and of the names in some folders.

    Of a file it holds size, times and inode, as stamps of the store do; of files that are only ever
    `replaced` no times. Raises Unsure.
    """
    lines: list[str] = []
    for path in below:
        _add(lines, path, os.stat)
    lines += [f"{folder}\0{sorted(_listed(folder))}" for folder in names]
    lines += [_identity(path) for path in replaced]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def users_cache() -> str:
    """XDG_CACHE_HOME, which counts only if it is absolute, else ~/.cache."""
    named = os.environ.get("XDG_CACHE_HOME") or ""
    return named if os.path.isabs(named) else os.path.join("~", ".cache")


def _folder() -> str:
    root = os.environ.get("HARNESS_CACHE") or os.path.join(users_cache(), "harness")
    return os.path.join(os.path.abspath(os.path.expanduser(root)), "again")


def _read(file: str) -> dict[str, Any] | None:
    try:
        with open(file, "rb") as stream:
            digest, _, text = stream.read().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(text).hexdigest().encode() != digest:
        return None
    note: dict[str, Any] = json.loads(text)
    return note


def _add(lines: list[str], path: str, look: Any) -> None:
    try:
        found = look(path)
        if stat.S_ISLNK(found.st_mode):
            found = os.stat(path)
            if stat.S_ISDIR(found.st_mode):
                raise Unsure(path)
    except OSError as error:
        lines.append(f"{path}\0{error.errno}")
        return
    if stat.S_ISDIR(found.st_mode):
        lines.append(path)
        for name in sorted(_listed(path)):
            if name != _GENERATED:
                _add(lines, f"{path}/{name}", os.lstat)
        return
    lines.append(
        f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ctime_ns}\0{found.st_ino}"
    )


def _identity(path: str) -> str:
    found = os.stat(path)
    return f"{path}\0{found.st_size}\0{found.st_ino}"


def _listed(folder: str) -> Sequence[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        return (f"errno {error.errno}",)
