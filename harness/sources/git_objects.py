"""Git object ids computed from bytes, as git does, so that files can be checked without git."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """The file modes git stores."""

    FILE = "100644"
    EXECUTABLE = "100755"
    LINK = "120000"
    SUBMODULE = "160000"
    FOLDER = "40000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree: its mode and object id."""

    mode: str
    id: str


def object_id(kind: str, body: bytes) -> str:
    """The id git gives an object of `kind` (`blob`, `tree`, `commit`)."""
    return hashlib.sha1(
        b"%s %d\0" % (kind.encode(), len(body)) + body, usedforsecurity=False
    ).hexdigest()


def blob_id(data: bytes) -> str:
    """The id of a file's content."""
    return object_id("blob", data)


def tree_id(entries: Mapping[str, Entry]) -> str:
    """The id of the tree that holds `entries`, keyed by slash-separated path."""
    here: dict[str, Entry] = {}
    below: dict[str, dict[str, Entry]] = {}
    for path, entry in entries.items():
        head, _, rest = path.partition("/")
        if rest:
            below.setdefault(head, {})[rest] = entry
        else:
            here[head] = entry
    for name, inner in below.items():
        here[name] = Entry(Mode.FOLDER, tree_id(inner))
    return object_id("tree", b"".join(map(_line, sorted(here.items(), key=_order))))


def commit_id(tree: str, person: str, when: str, message: str) -> str:
    """The id of a commit without parents whose author and committer are one person."""
    body = f"tree {tree}\nauthor {person} {when}\ncommitter {person} {when}\n\n{message}"
    return object_id("commit", body.encode())


def _line(item: tuple[str, Entry]) -> bytes:
    name, entry = item
    return b"%s %s\0" % (entry.mode.encode(), _bytes(name)) + bytes.fromhex(entry.id)


def _order(item: tuple[str, Entry]) -> bytes:
    name, entry = item
    return _bytes(name) + (b"/" if entry.mode == Mode.FOLDER else b"")


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
