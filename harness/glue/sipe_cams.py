"""Split SIPE's CAMs into class maps for the threshold curve and SIPE's own labels.

For each id in ``--ids``, ``--cams/<id>.npy`` is a dict as SIPE's ``make_cam.py`` writes it:
``keys`` (0 for the background, then class + 1) and ``IS_CAM``, one map per key. The tool writes to
``--out``::

    cam/<id>.npy      dict class 0..19 -> float32 H x W, without the background
    labels/<id>.png   mode L: the key of the highest map at each pixel, the lowest key of equal maps
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.glue.mxnet_params import Array
from harness.readers.id_lists import read_ids
from harness.readers.safe_pickle import load_npy_dict


def class_maps(keys: NDArray[np.int64], maps: Array) -> dict[int, Array]:
    """Return the map of each class, numbered from 0."""
    return {int(key) - 1: one for key, one in zip(keys, maps) if key > 0}  # noqa: B905 - Python 3.9


def labels(keys: NDArray[np.int64], maps: Array) -> NDArray[np.uint8]:
    """Return the key of the highest map at each pixel, H x W."""
    highest: NDArray[np.uint8] = keys[np.argmax(maps, axis=0)].astype(np.uint8)
    return highest


def read(path: Path) -> tuple[NDArray[np.int64], Array]:
    """Return the keys and maps in a file. Raises ValueError if they do not match."""
    content = load_npy_dict(path)
    keys, maps = content["keys"], content["IS_CAM"]
    if keys[0] != 0 or maps.shape[:1] != keys.shape:
        msg = f"expected one map per key, 0 first; found keys {keys} and shape {maps.shape}"
        raise ValueError(msg)
    return keys, maps


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; an invalid file is an error that names its id, with exit status 2."""
    parser = argparse.ArgumentParser(prog="harness.glue.sipe_cams", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--cams", type=Path, required=True, help="folder of <id>.npy")
    parser.add_argument("--ids", type=Path, required=True, help="file with one id per line")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    given = parser.parse_args(arguments)
    try:
        ids = read_ids(given.ids)
    except ValueError as error:
        parser.error(str(error))
    for folder in ("cam", "labels"):
        (given.out / folder).mkdir(parents=True, exist_ok=True)
    for name in ids:
        try:
            keys, maps = read(given.cams / f"{name}.npy")
        except (OSError, ValueError, KeyError) as error:
            parser.error(f"{name}: {error}")
        np.save(given.out / "cam" / f"{name}.npy", class_maps(keys, maps))  # type: ignore[arg-type]
        Image.fromarray(labels(keys, maps)).save(given.out / "labels" / f"{name}.png")
    sys.stdout.write(f"wrote class maps and labels of {len(ids)} images\n")


if __name__ == "__main__":
    main()
