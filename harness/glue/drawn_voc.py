"""Draw a data set in the layout of VOC 2012.

The tool has three modes. With ``--labels`` (a ``cls_labels.npy``: id -> float vector of 0 and 1),
the ids are the first ones of two lists. Each picture shows exactly the classes of its id, so label
files of the real data set remain valid. With ``--classes N``, ids and classes are random, and a
``cls_labels.npy`` is written as well. With ``--test-list``, the first ids of a list get pictures
without masks, like the test split. Output below ``--out``::

    JPEGImages/<id>.jpg
    SegmentationClass/<id>.png  SegmentationObject/<id>.png      mode P, 255 is void
    ImageSets/Segmentation/{train,val,trainval}.txt              one id per line (or test.txt)
    cls_labels.npy                                               with --classes only

A picture depends on its id, its classes, the size and the seed only, not on the number of pictures.

Pictures are up to an eighth smaller than ``--width`` x ``--height``. With ``--real-sizes`` they
have the sizes of VOC's photographs in turn. Then the ids of ``--labels`` are not the first ones of
the lists, but those that show as many classes as possible (`harness.glue.choice`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.glue.choice import Candidate, choose
from harness.glue.drawing import Dice, Picture, draw, save_image, save_mask
from harness.readers.id_lists import read_ids
from harness.readers.safe_pickle import load_npy_dict

CLASSES = 20
#: Width and height of VOC's photographs: the largest, a very small one, and the usual ones.
REAL_SIZES = ((500, 500), (142, 71), (500, 375), (375, 500))
FOLDERS = ("JPEGImages", "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation")


@dataclass(frozen=True)
class Split:
    """The ids for training and for validation, and the classes of each id, numbered from 1."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    classes: Mapping[str, tuple[int, ...]]


def listed_split(
    labels: Path, lists: tuple[Path, Path], counts: tuple[int, int], *, varied: bool = False
) -> Split:
    """Return ids of a training and a validation list, with their classes.

    They are the first ones or, if `varied`, those that show as many classes as possible. Raises
    ValueError if a list is too short or an id has no label.
    """
    known = load_npy_dict(labels)
    ids = _varied_ids if varied else _first_ids
    train, val = (ids(path, count, known) for path, count in zip(lists, counts, strict=True))
    classes = {}
    for name in dict.fromkeys(train + val):
        if name not in known or not np.any(known[name]):
            msg = f"{labels} has no class for id {name}"
            raise ValueError(msg)
        classes[name] = tuple(int(at) + 1 for at in np.flatnonzero(known[name]))
    return Split(train, val, classes)


def drawn_split(classes: int, counts: tuple[int, int], seed: int) -> Split:
    """Return ids in VOC's format, each with one to three of `classes` random classes."""
    names = tuple(f"2012_{number:06d}" for number in range(1, sum(counts) + 1))
    given = {
        name: _drawn_classes(classes, Dice(seed, number))
        for number, name in enumerate(names, start=1)
    }
    return Split(names[: counts[0]], names[counts[0] :], given)


def write(split: Split, size: tuple[int, int] | None, seed: int, out: Path) -> None:
    """Write the pictures and lists of a split.

    Each picture is up to an eighth smaller than size (width, height); without one, the pictures of
    each list have VOC's sizes in turn.
    """
    for folder in FOLDERS:
        (out / folder).mkdir(parents=True, exist_ok=True)
    turns = {name: at for names in (split.val, split.train) for at, name in enumerate(names)}
    for name, classes in split.classes.items():
        picture = _picture(name, classes, size or turns[name], seed)
        save_image(out / "JPEGImages" / f"{name}.jpg", picture.image)
        save_mask(out / "SegmentationClass" / f"{name}.png", picture.labels)
        save_mask(out / "SegmentationObject" / f"{name}.png", picture.instances)
    lists = {"train": split.train, "val": split.val, "trainval": split.train + split.val}
    for kind, names in lists.items():
        text = "".join(f"{name}\n" for name in names)
        (out / "ImageSets" / "Segmentation" / f"{kind}.txt").write_text(text)


def write_test(names: Sequence[str], size: tuple[int, int] | None, seed: int, out: Path) -> None:
    """Write pictures of random VOC classes without masks, of sizes as `write` gives them."""
    for folder in ("JPEGImages", "ImageSets/Segmentation"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for at, name in enumerate(names):
        classes = _drawn_classes(CLASSES, Dice(seed, *name.encode()))
        picture = _picture(name, classes, size or at, seed)
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
    """Run the tool; an invalid argument is an error that names it, with exit status 2."""
    parser = _parser()
    given = parser.parse_args(arguments)
    counts = (given.count_train, given.count_val)
    if min((given.count_test,) if given.test_list else counts) < 1:
        parser.error("the counts must be at least 1")
    if given.labels and not (given.train_list and given.val_list):
        parser.error("--labels needs --train-list and --val-list")
    if given.real_sizes == bool(given.width and given.height):
        parser.error("expected --width and --height, or --real-sizes")
    size = None if given.real_sizes else (given.width, given.height)
    try:
        if given.test_list:
            names = _first_ids(given.test_list, given.count_test)
            write_test(names, size, given.seed, given.out)
            sys.stdout.write(f"drew {len(names)} pictures: {len(names)} test\n")
            return
        if given.labels:
            lists = (given.train_list, given.val_list)
            split = listed_split(given.labels, lists, counts, varied=given.real_sizes)
        else:
            split = drawn_split(given.classes, counts, given.seed)
        write(split, size, given.seed, given.out)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if given.classes:
        write_labels(split, given.classes, given.out / "cls_labels.npy")
    sys.stdout.write(
        f"drew {len(split.classes)} pictures: {len(split.train)} train, {len(split.val)} val\n"
    )


def _drawn_classes(classes: int, dice: Dice) -> tuple[int, ...]:
    """Return one to three of the first `classes` classes; one is the most frequent number."""
    amount = min(classes, (1, 1, 1, 2, 2, 3)[dice.below(6)])
    return tuple(sorted(at + 1 for at in dice.shuffled(classes)[:amount]))


def _picture(name: str, classes: Sequence[int], size: tuple[int, int] | int, seed: int) -> Picture:
    """Draw the picture of one id, up to an eighth smaller than size (width, height).

    A number stands for that turn of VOC's sizes, which are kept exactly.
    """
    dice = Dice(seed, *name.encode())
    if isinstance(size, int):
        width, height = REAL_SIZES[size % len(REAL_SIZES)]
        return draw(classes, height, width, dice)
    width, height = size
    shape = (height - dice.below(height // 8 + 1), width - dice.below(width // 8 + 1))
    return draw(classes, *shape, dice)


def _varied_ids(path: Path, count: int, known: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the ids of a list that show the most classes. Raises ValueError as `_first_ids`."""
    _first_ids(path, count)
    named = [name for name in read_ids(path) if name in known]
    shown = [frozenset(np.flatnonzero(known[name]).tolist()) for name in named]
    pairs = zip(named, shown, strict=True)
    return choose([Candidate(name, 1, 1, classes) for name, classes in pairs], count)


def _first_ids(path: Path, count: int, _: Mapping[Any, Any] | None = None) -> tuple[str, ...]:
    """Return the first ids of a list. Raises ValueError if it is too short or no list."""
    ids = read_ids(path)
    if len(ids) < count:
        msg = f"{path} has {len(ids)} ids, expected at least {count}"
        raise ValueError(msg)
    return ids[:count]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="harness.glue.drawn_voc", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--labels", type=Path, help="cls_labels.npy with the listed ids")
    source.add_argument(
        "--classes",
        type=int,
        choices=range(1, CLASSES + 1),
        metavar="1..20",
        help="number of classes to draw at random",
    )
    source.add_argument("--test-list", type=Path, help="list of ids to draw without masks")
    parser.add_argument("--train-list", type=Path, help="list of training ids, for --labels")
    parser.add_argument("--val-list", type=Path, help="list of validation ids, for --labels")
    parser.add_argument("--count-train", type=int, default=0, help="number of training pictures")
    parser.add_argument("--count-val", type=int, default=0, help="number of validation pictures")
    parser.add_argument("--count-test", type=int, default=0, help="number of test pictures")
    parser.add_argument("--width", type=int, help="largest width in pixels")
    parser.add_argument("--height", type=int, help="largest height in pixels")
    parser.add_argument("--real-sizes", action="store_true", help="VOC's own sizes instead")
    parser.add_argument("--seed", type=int, default=1, help="seed of the pictures")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    return parser


if __name__ == "__main__":
    main()
