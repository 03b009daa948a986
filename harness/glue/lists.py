"""Reduce the image lists of a repository to the images that exist.

The lines of a list are ids or paths (``/JPEGImages/<id>.jpg /SegmentationClassAug/<id>.png``), as
`harness.readers.id_lists` reads them. For each ``--list NAME=FILE``, the tool writes to ``--out``::

    ids/NAME.txt      one id per line, in the order of FILE
    lines/NAME.txt    the same lines of FILE, in UTF-8 with LF line ends

Lines whose ``<id>.jpg`` is missing from ``--images`` are omitted. For a list with ``--expect
NAME=COUNT[:SHA256]``, every image must exist, and the number of ids and the checksum of
ids/NAME.txt must be equal to the given ones.

With ``--choose NAME=COUNT``, only a few images of that list are kept, in all lists: the largest,
the smallest, both orientations, and as many classes as possible (`harness.glue.choice`). The
classes are those of ``--labels``, a ``cls_labels.npy``; without it only sizes count.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from harness.glue.choice import Candidate, choose
from harness.readers.id_lists import Entry, read_entries
from harness.readers.safe_pickle import load_npy_dict


@dataclass(frozen=True)
class Expected:
    """The expected number of ids in a list, and the SHA-256 of its ids; empty means any."""

    count: int
    sha256: str = ""


def present(entries: Sequence[Entry], images: frozenset[str]) -> tuple[Entry, ...]:
    """Return the entries whose image exists."""
    return tuple(entry for entry in entries if entry.name in images)


def bare(entries: Sequence[Entry]) -> str:
    """Return the text of a file with one id per line."""
    return "".join(f"{entry.name}\n" for entry in entries)


def check(name: str, listed: Sequence[Entry], kept: Sequence[Entry], expected: Expected) -> None:
    """Raise ValueError unless the list is the expected one and all its images exist."""
    if len(listed) != expected.count:
        msg = f"list {name}: expected {expected.count} ids, found {len(listed)}"
        raise ValueError(msg)
    found = hashlib.sha256(bare(listed).encode()).hexdigest()
    if expected.sha256 not in ("", found):
        msg = f"list {name}: expected ids with SHA-256 {expected.sha256}, found {found}"
        raise ValueError(msg)
    if len(kept) < len(listed):
        there = {entry.name for entry in kept}
        missing = [entry.name for entry in listed if entry.name not in there]
        msg = f"list {name}: {len(missing)} images are missing, first {missing[0]}.jpg"
        raise ValueError(msg)


def cut(
    lists: dict[str, Path], images: frozenset[str], expected: dict[str, Expected], out: Path
) -> dict[str, int]:
    """Write the reduced lists and return the number of ids in each.

    Raises ValueError if a list is not the expected one, or none of its images exists.
    """
    counts = {}
    for name, path in lists.items():
        listed = read_entries(path)
        kept = present(listed, images)
        if name in expected:
            check(name, listed, kept, expected[name])
        if not kept:
            msg = f"list {name}: none of its {len(listed)} images exists"
            raise ValueError(msg)
        _write(out / "ids" / f"{name}.txt", bare(kept))
        _write(out / "lines" / f"{name}.txt", "".join(f"{entry.line}\n" for entry in kept))
        counts[name] = len(kept)
    return counts


def chosen(
    lists: dict[str, Path], counts: dict[str, int], images: Path, labels: Path | None
) -> frozenset[str]:
    """Return the images that are kept of the lists in `counts`, as many as given there.

    Raises ValueError if a list is unknown, and OSError if an image cannot be read.
    """
    known = load_npy_dict(labels) if labels else {}
    there = _existing(images)
    kept: set[str] = set()
    for name, count in counts.items():
        if name not in lists or count < 1:
            msg = f"--choose {name}={count}: expected a list of --list and at least one image"
            raise ValueError(msg)
        entries = present(read_entries(lists[name]), there)
        kept |= set(choose([_candidate(entry.name, images, known) for entry in entries], count))
    return frozenset(kept)


def _existing(images: Path) -> frozenset[str]:
    return frozenset(path.stem for path in images.iterdir() if path.suffix == ".jpg")


def _candidate(name: str, images: Path, known: Mapping[Any, Any]) -> Candidate:
    with Image.open(images / f"{name}.jpg") as image:  # reads the head of the file only
        width, height = image.size
    classes = np.flatnonzero(known[name]).tolist() if name in known else ()
    return Candidate(name, width, height, frozenset(classes))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; an invalid list is an error that names it, with exit status 2."""
    parser = argparse.ArgumentParser(prog="harness.glue.lists", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--list", action="append", required=True, metavar="NAME=FILE", help="list to reduce"
    )
    parser.add_argument(
        "--expect",
        action="append",
        default=[],
        metavar="NAME=COUNT[:SHA256]",
        help="require a complete list with this number of ids and checksum",
    )
    parser.add_argument(
        "--choose", action="append", default=[], metavar="NAME=COUNT", help="keep so many images"
    )
    parser.add_argument("--labels", type=Path, help="cls_labels.npy, for --choose")
    parser.add_argument("--images", type=Path, required=True, help="folder of <id>.jpg")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    given = parser.parse_args(arguments)
    try:
        lists = {name: Path(path) for name, path in map(_pair, given.list)}
        expected = {name: _expected(text) for name, text in map(_pair, given.expect)}
        unknown = sorted(set(expected) - set(lists))
        if unknown:
            parser.error(f"--expect without --list: {', '.join(unknown)}")
        images = _existing(given.images)
        if given.choose:
            few = {name: int(count) for name, count in map(_pair, given.choose)}
            images &= chosen(lists, few, given.images, given.labels)
        counts = cut(lists, images, expected, given.out)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    sys.stdout.write(", ".join(f"{name}: {count} ids" for name, count in counts.items()) + "\n")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        msg = f"expected NAME=VALUE, found {text!r}"
        raise ValueError(msg)
    return name, value


def _expected(text: str) -> Expected:
    count, _, sha256 = text.partition(":")
    return Expected(int(count), sha256)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", "surrogateescape")


if __name__ == "__main__":
    main()
