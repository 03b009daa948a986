"""Repeat the lines of a list, so that a training over few pictures has enough batches.

A rehearsal trains on a handful of pictures. Many scripts drop a batch that is not full, and would
then train on none. ``--lists`` is a folder of lists; all of its files are copied to ``--out``. In
the one named by ``--name``, the lines are repeated in turn until there are ``--count`` of them.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.readers.id_lists import read_entries


def repeated(lines: Sequence[str], count: int) -> tuple[str, ...]:
    """Return `count` lines: the given ones in turn, from the first again after the last."""
    return tuple(itertools.islice(itertools.cycle(lines), count))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; an invalid list is an error that names it, with exit status 2."""
    parser = argparse.ArgumentParser(prog="harness.glue.repeated_list", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--lists", type=Path, required=True, help="folder of lists")
    parser.add_argument("--name", required=True, help="file name of the list to repeat")
    parser.add_argument("--count", type=int, required=True, help="number of lines to write")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    given = parser.parse_args(arguments)
    if given.count < 1:
        parser.error(f"--count {given.count}: expected at least 1")
    try:
        lines = [entry.line for entry in read_entries(given.lists / given.name)]
        given.out.mkdir(parents=True, exist_ok=True)
        for file in sorted(given.lists.iterdir()):
            (given.out / file.name).write_bytes(file.read_bytes())
    except (OSError, ValueError) as error:
        parser.error(str(error))
    text = "".join(f"{line}\n" for line in repeated(lines, given.count))
    (given.out / given.name).write_text(text, "utf-8", "surrogateescape")
    sys.stdout.write(f"{given.name}: {len(lines)} lines repeated to {given.count}\n")


if __name__ == "__main__":
    main()
