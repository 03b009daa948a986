"""Draw a data set in the layout of VOC 2012.

Three modes. With ``--labels`` (a ``cls_labels.npy``: id -> float vector of 0 and 1) the ids are the
first ones of two lists and every picture shows exactly the classes its id has there, so that label
files made for the real data stay true. With ``--classes N`` ids and classes are drawn as well and
a ``cls_labels.npy`` is written beside the data. With ``--test-list`` the first ids of a list get
pictures alone, as the test split has them. Written under ``--out``::

    JPEGImages/<id>.jpg
    SegmentationClass/<id>.png  SegmentationObject/<id>.png      mode P, 255 is void
    ImageSets/Segmentation/{train,val,trainval}.txt              one id a line (or test.txt)
    cls_labels.npy                                               with --classes only

A picture depends on its id, its classes, the size and the seed alone, not on how many are drawn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.glue.drawing import Dice, Picture, draw, save_image, save_mask

CLASSES = 20
FOLDERS = ("JPEGImages", "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation")


@dataclass(frozen=True)
class Split:
    """Which ids are for training and for validation, and the classes (from 1) of each id."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    classes: Mapping[str, tuple[int, ...]]


def listed_split(labels: Path, lists: tuple[Path, Path], counts: tuple[int, int]) -> Split:
    """Take the first ids of a training and a validation list, with their classes.

    Raises ValueError where a list is too short or an id has no label.
    """
    known = np.load(labels, allow_pickle=True).item()
    train, val = _first_ids(lists[0], counts[0]), _first_ids(lists[1], counts[1])
    classes = {}
    for name in dict.fromkeys(train + val):
        if name not in known or not np.any(known[name]):
            msg = f"{labels} has no class for id {name}"
            raise ValueError(msg)
        classes[name] = tuple(int(at) + 1 for at in np.flatnonzero(known[name]))
    return Split(train, val, classes)


def drawn_split(classes: int, counts: tuple[int, int], seed: int) -> Split:
    """Make up ids like VOC's and give each one to three of `classes` classes, single ones most."""
    names = tuple(f"2012_{number:06d}" for number in range(1, sum(counts) + 1))
    given = {
        name: _drawn_classes(classes, Dice(seed, number))
        for number, name in enumerate(names, start=1)
    }
    return Split(names[: counts[0]], names[counts[0] :], given)


def write(split: Split, width: int, height: int, seed: int, out: Path) -> None:
    """Draw every picture of a split, up to an eighth smaller than width x height, and its lists."""
    for folder in FOLDERS:
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name, classes in split.classes.items():
        picture = _picture(name, classes, (width, height), seed)
        save_image(out / "JPEGImages" / f"{name}.jpg", picture.image)
        save_mask(out / "SegmentationClass" / f"{name}.png", picture.labels)
        save_mask(out / "SegmentationObject" / f"{name}.png", picture.instances)
    lists = {"train": split.train, "val": split.val, "trainval": split.train + split.val}
    for kind, names in lists.items():
        text = "".join(f"{name}\n" for name in names)
        (out / "ImageSets" / "Segmentation" / f"{kind}.txt").write_text(text)


def write_test(names: Sequence[str], size: tuple[int, int], seed: int, out: Path) -> None:
    """Draw pictures without masks, with any classes of VOC, up to an eighth smaller than size."""
    for folder in ("JPEGImages", "ImageSets/Segmentation"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        classes = _drawn_classes(CLASSES, Dice(seed, *name.encode()))
        picture = _picture(name, classes, size, seed)
        save_image(out / "JPEGImages" / f"{name}.jpg", picture.image)
    text = "".join(f"{name}\n" for name in names)
    (out / "ImageSets" / "Segmentation" / "test.txt").write_text(text)


def write_labels(split: Split, classes: int, path: Path) -> None:
    """Write the classes of each id as a pickled dict of float32 vectors."""
    vectors = {}
    for name, given in split.classes.items():
        vectors[name] = np.zeros(classes, np.float32)
        vectors[name][[label - 1 for label in given]] = 1
    np.save(path, np.array(vectors, dtype=object), allow_pickle=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; a wrong argument ends it with status 2 and a line saying which."""
    parser = _parser()
    given = parser.parse_args(arguments)
    counts = (given.count_train, given.count_val)
    if min((given.count_test,) if given.test_list else counts) < 1:
        parser.error("the counts must be at least 1")
    if given.labels and not (given.train_list and given.val_list):
        parser.error("--labels needs --train-list and --val-list")
    try:
        if given.test_list:
            names = _first_ids(given.test_list, given.count_test)
            write_test(names, (given.width, given.height), given.seed, given.out)
            sys.stdout.write(f"drew {len(names)} pictures: {len(names)} test\n")
            return
        if given.labels:
            split = listed_split(given.labels, (given.train_list, given.val_list), counts)
        else:
            split = drawn_split(given.classes, counts, given.seed)
        write(split, given.width, given.height, given.seed, given.out)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if given.classes:
        write_labels(split, given.classes, given.out / "cls_labels.npy")
    sys.stdout.write(
        f"drew {len(split.classes)} pictures: {len(split.train)} train, {len(split.val)} val\n"
    )


def _drawn_classes(classes: int, dice: Dice) -> tuple[int, ...]:
    """One to three of the first `classes` classes, single ones most."""
    amount = min(classes, (1, 1, 1, 2, 2, 3)[dice.below(6)])
    return tuple(sorted(at + 1 for at in dice.shuffled(classes)[:amount]))


def _picture(name: str, classes: Sequence[int], size: tuple[int, int], seed: int) -> Picture:
    """The picture of one id, up to an eighth smaller than size (width, height)."""
    width, height = size
    dice = Dice(seed, *name.encode())
    shape = (height - dice.below(height // 8 + 1), width - dice.below(width // 8 + 1))
    return draw(classes, *shape, dice)


def _first_ids(path: Path, count: int) -> tuple[str, ...]:
    """Return the first ids of a list of bare ids or of lines `/JPEGImages/<id>.jpg ...`."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    if len(lines) < count:
        msg = f"{path} has {len(lines)} ids, expected at least {count}"
        raise ValueError(msg)
    return tuple(Path(words[0]).name.removesuffix(".jpg") for words in lines[:count])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="harness.glue.drawn_voc", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--labels", type=Path, help="cls_labels.npy of the listed ids")
    source.add_argument("--classes", type=int, choices=range(1, CLASSES + 1), metavar="1..20")
    source.add_argument("--test-list", type=Path, help="ids of pictures without masks")
    parser.add_argument("--train-list", type=Path)
    parser.add_argument("--val-list", type=Path)
    parser.add_argument("--count-train", type=int, default=0)
    parser.add_argument("--count-val", type=int, default=0)
    parser.add_argument("--count-test", type=int, default=0)
    parser.add_argument("--width", type=int, required=True, help="pixels")
    parser.add_argument("--height", type=int, required=True, help="pixels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    return parser


if __name__ == "__main__":
    main()
