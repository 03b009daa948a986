"""Make all-background labels for pictures whose true ones nobody has, as those of a test split.

For scripts that read a label beside each picture while they predict: what they score against these
files means nothing. For each id of ``--list``, written under ``--out``::

    labels/<id>.png    mode L, zeros, of the size of <id>.jpg
    lines.txt          /JPEGImages/<id>.jpg /SegmentationClassAug/<id>.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image


def blank(picture: Path, label: Path) -> None:
    """Write the blank label of one picture."""
    with Image.open(picture) as image:
        Image.new("L", image.size).save(label)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; a missing picture ends it with status 2 and a line naming it."""
    parser = argparse.ArgumentParser(prog="harness.glue.blank_labels", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--list", type=Path, required=True, help="one id a line")
    parser.add_argument("--images", type=Path, required=True, help="folder with <id>.jpg")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    (given.out / "labels").mkdir(parents=True, exist_ok=True)
    try:
        ids = given.list.read_text().split()
        for name in ids:
            blank(given.images / f"{name}.jpg", given.out / "labels" / f"{name}.png")
    except OSError as error:
        parser.error(str(error))
    lines = (f"/JPEGImages/{name}.jpg /SegmentationClassAug/{name}.png\n" for name in ids)
    (given.out / "lines.txt").write_text("".join(lines))
    sys.stdout.write(f"wrote {len(ids)} blank labels\n")


if __name__ == "__main__":
    main()
