"""Compute J, F and J&F of a folder of predictions; each file is read once."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .counts import Counts
from .errors import ScoreError
from .input_files import (
    SUFFIX,
    THRESHOLDS,
    check_folders,
    check_ids,
    read_labels,
    read_list,
    read_prediction,
)
from .j_and_f import FIXED, Scores
from .sample_images import keep

WORTH_PROCESSES = 4  # tasks; with fewer, starting processes costs more time than it saves
CHUNK = 16  # images per task; fixed, so that no sum depends on the number of processes
KEPT = 1 << 24  # bytes
# A fork takes milliseconds. From Python 3.12 on it warns if the caller has threads.
START = "fork" if sys.platform == "linux" and sys.version_info < (3, 12) else "spawn"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Folders:
    """The folders to compare: ``pred/<id>.png`` or ``.npy`` with ``gt/<id>.png``."""

    pred: Path
    gt: Path
    suffix: str
    classes: int
    void: bool = False

    @property
    def levels(self) -> int:
        """Number of background thresholds: 60 for CAMs, one for label PNGs."""
        return len(THRESHOLDS) if self.suffix == SUFFIX["cam"] else 1


def score_folder(  # noqa: PLR0913  # one flat call for the command line and for steps
    pred: Path,
    gt: Path,
    ids: Sequence[str],
    *,
    kind: str = "png",
    curve: bool = False,
    classes: int = 21,
    allow_extra: bool = False,
    allow_void: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Score a folder of predictions against the ground truth.

    Args:
        pred: folder of ``<id>.png`` (labels 0..20, mode L or P) or, for CAMs, ``<id>.npy``
            (dict of foreground class number 0..19 to float map of the image's size).
        gt: folder of ``<id>.png``, labels 0..20 or 255 for void.
        ids: the images to score; each must be in both folders.
        kind: ``png`` or ``cam``. J of CAMs is the maximum over 60 background thresholds 0.00 ..
            0.59; F of CAMs is F at the threshold 0.25. The authors report both this way.
        curve: whether to report J and F at every threshold; CAMs only.
        classes: number of classes, including the background.
        allow_extra: whether ``pred`` may contain predictions that are not in ``ids``.
        allow_void: whether predictions may contain 255, pixels without a class. They are wrong
            wherever the ground truth is not void.
        workers: number of processes; None means one per CPU, fewer for few images. The scores do
            not depend on it.
        progress: called with (images done, total images).

    Raises:
        ScoreError: if the input is invalid; the text names the file.

    """
    if kind not in SUFFIX:
        raise ScoreError(f"kind is {kind!r}; expected one of {', '.join(SUFFIX)}")
    if curve and kind != "cam":
        raise ScoreError("only CAMs have a threshold curve; omit curve or use kind cam")
    check_ids(ids, "the list")
    check_folders(pred, gt, ids, SUFFIX[kind], extra=allow_extra)
    folders = Folders(pred, gt, SUFFIX[kind], classes, allow_void)
    counts = Counts.zero(classes, folders.levels)
    chunks = [tuple(ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK)]
    done = 0
    with _one_thread():
        counted = _counted(folders, chunks, workers)
        for chunk, found in zip(chunks, counted):  # noqa: B905  # Python 3.9
            counts.add(found)
            done += len(chunk)
            if progress is not None:
                progress(done, len(ids))
    return Scores(counts, images=len(ids), curve=curve)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let OpenCV use one thread: processes use the other CPUs, and thread pools do not fork."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _counted(
    folders: Folders, chunks: list[tuple[str, ...]], workers: int | None
) -> Iterator[Counts]:
    count = min(workers or cpus(), len(chunks))
    if count <= 1 or (workers is None and len(chunks) < WORTH_PROCESSES):
        for chunk in chunks:
            yield count_images(folders, chunk)
        return
    context = get_context(START)
    with ProcessPoolExecutor(count, context, cv2.setNumThreads, (1,)) as pool:
        try:
            yield from pool.map(count_images, [folders] * len(chunks), chunks)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def cpus() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_images(folders: Folders, ids: Sequence[str]) -> Counts:
    """Return the counts of the given images of two folders."""
    _keep_memory()
    counts = Counts.zero(folders.classes, folders.levels)
    for name in ids:
        truth = read_labels(folders.gt / f"{name}.png", folders.classes)
        file = folders.pred / f"{name}{folders.suffix}"
        prediction = read_prediction(file, truth.shape, folders.classes, void=folders.void)
        counts.count(prediction, truth, FIXED if folders.levels > 1 else 0)
    return counts


@lru_cache(maxsize=1)
def _keep_memory() -> None:
    """Make the allocator keep freed memory.

    By default glibc returns the memory of every image-sized array to the system, and the system
    maps and clears it again for the next array. For CAMs that takes as long as all the counting.
    glibc keeps blocks up to the size of the largest block that was freed, so this allocates and
    frees a large one. Other allocators are not affected.
    """
    np.empty(KEPT, dtype=np.uint8)


def write_json(content: dict[str, Any], file: Path) -> None:
    """Write a JSON file atomically."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    partial.replace(file)


def show_progress(done: int, total: int) -> None:
    """Write progress to stderr: one updated line on a terminal, else a line for every tenth."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\rscored {done}/{total}" + ("\n" if done == total else ""))
    elif done == total or done * 10 // total > (done - CHUNK) * 10 // total:
        sys.stderr.write(f"scored {done}/{total}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 2 with a message if the input is invalid."""
    parser = argparse.ArgumentParser(prog="python -m harness.metrics.score", description=__doc__)
    parser.add_argument("--pred", type=Path, required=True, help="folder of predictions")
    parser.add_argument("--gt", type=Path, required=True, help="folder of label PNGs")
    parser.add_argument("--list", type=Path, required=True, help="file with an id or path per line")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument(
        "--kind", choices=sorted(SUFFIX), default="png", help="format of the predictions"
    )
    parser.add_argument(
        "--classes", type=int, default=21, help="number of classes, including the background"
    )
    parser.add_argument(
        "--curve", action="store_true", help="report J and F at every threshold (CAMs only)"
    )
    parser.add_argument(
        "--allow-extra", action="store_true", help="allow predictions that are not in the list"
    )
    parser.add_argument(
        "--allow-void", action="store_true", help="allow 255 in predictions: pixels without class"
    )
    parser.add_argument("--samples", type=Path, help="folder for a few predictions as images")
    parser.add_argument("--workers", type=int, help="number of processes (default: one per CPU)")
    parser.add_argument("--quiet", action="store_true", help="do not show progress")
    args = parser.parse_args(argv)
    try:
        ids = read_list(args.list)
        scores = score_folder(
            args.pred,
            args.gt,
            ids,
            kind=args.kind,
            curve=args.curve,
            classes=args.classes,
            allow_extra=args.allow_extra,
            allow_void=args.allow_void,
            workers=args.workers,
            progress=None if args.quiet else show_progress,
        )
        if args.samples is not None:
            keep(args.pred, ids, args.kind, args.classes, args.samples)
    except ScoreError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    write_json(scores.as_dict(), args.out)
    sys.stdout.write(f"{scores.line()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
