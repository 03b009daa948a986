"""Repositories that harness ships as plain files: read them, and compute the commit they make.

Author, dates, message and file modes are fixed, so the commit id follows from the files alone and
can be pinned like any other. `python -m harness.sources.embedded FOLDER` prints what to pin.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from harness.errors import MismatchError, UsageError
from harness.sources.git_objects import Entry, Mode, blob_id, commit_id, tree_id

PERSON = "harness <harness@example.invalid>"
WHEN = "1704067200 +0000"
MESSAGE = "Embedded repository\n"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The files of an embedded repository by path, and the ids they give."""

    files: dict[str, bytes]
    tree: str
    commit: str


def read_embedded(folder: Path) -> Embedded:
    """Read every file below `folder` but byte code. Raises MismatchError for none or a link."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if _belongs(folder, path)
    }
    if not files:
        raise MismatchError(
            f"{folder}: expected the files of an embedded repository, found none",
            hint="reinstall harness: it ships its embedded repositories",
        )
    tree = tree_id({path: Entry(Mode.FILE, blob_id(data)) for path, data in files.items()})
    return Embedded(files, tree, commit_id(tree, PERSON, WHEN, MESSAGE))


def fast_import_stream(embedded: Embedded) -> bytes:
    """What `git fast-import` makes the commit of."""
    head = (
        f"commit refs/pins/{embedded.commit}\nauthor {PERSON} {WHEN}\ncommitter {PERSON} {WHEN}\n"
    )
    stream = [head.encode(), _data(MESSAGE.encode())]
    for path, data in embedded.files.items():
        stream += [f"M {Mode.FILE} inline {path}\n".encode(), _data(data)]
    return b"".join(stream)


def _data(data: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(data), data)


def _belongs(folder: Path, path: Path) -> bool:
    if path.is_symlink():
        raise MismatchError(
            f"{path}: expected a plain file, found a symbolic link",
            hint="an embedded repository consists of plain files",
        )
    return path.is_file() and "__pycache__" not in path.relative_to(folder).parts


def main(arguments: list[str]) -> int:
    """Print the pin of each folder as manifest lines."""
    if not arguments:
        raise UsageError("expected a folder", hint="python -m harness.sources.embedded FOLDER ...")
    for argument in arguments:
        found = read_embedded(Path(argument))
        sys.stdout.write(f"# {argument}\ncommit: {found.commit}\ntree: {found.tree}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
