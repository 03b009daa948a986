"""Write all-background labels for images without ground truth, such as those of a test split.

Some scripts read a label for each image while they predict. Scores that they compute from these
files are meaningless. For each id in ``--list``, the tool writes to ``--out``::

    labels/<id>.png    mode L, zeros, of the size of <id>.jpg
    lines.txt          /JPEGImages/<id>.jpg /SegmentationClassAug/<id>.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from harness.readers.id_lists import read_ids


def blank(picture: Path, label: Path) -> None:
    """Write the blank label of one image."""
    with Image.open(picture) as image:
        Image.new("L", image.size).save(label)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; a missing image is an error that names it, with exit status 2."""
    parser = argparse.ArgumentParser(prog="harness.glue.blank_labels", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--list", type=Path, required=True, help="file with one id per line")
    parser.add_argument("--images", type=Path, required=True, help="folder of <id>.jpg")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    given = parser.parse_args(arguments)
    (given.out / "labels").mkdir(parents=True, exist_ok=True)
    try:
        ids = read_ids(given.list)
        for name in ids:
            blank(given.images / f"{name}.jpg", given.out / "labels" / f"{name}.png")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    lines = (f"/JPEGImages/{name}.jpg /SegmentationClassAug/{name}.png\n" for name in ids)
    (given.out / "lines.txt").write_text("".join(lines))
    sys.stdout.write(f"wrote {len(ids)} blank labels\n")


if __name__ == "__main__":
    main()
