"""Take SIPE's CAMs apart: class maps for a threshold curve, and the labels SIPE itself reads off.

For each id of ``--ids``, ``--cams/<id>.npy`` is a dict as SIPE's ``make_cam.py`` writes it:
``keys`` (0 for the background, then class + 1) and ``IS_CAM``, one map for each key. Written under
``--out``::

    cam/<id>.npy      dict class 0..19 -> float32 H x W, without the background
    labels/<id>.png   mode L: the key of the highest map at each pixel, the lowest where maps tie
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.glue.mxnet_params import Array


def class_maps(keys: NDArray[np.int64], maps: Array) -> dict[int, Array]:
    """Return the map of each class, from 0 on."""
    return {int(key) - 1: one for key, one in zip(keys, maps) if key > 0}  # noqa: B905 - Python 3.9


def labels(keys: NDArray[np.int64], maps: Array) -> NDArray[np.uint8]:
    """Return the label of each pixel by the highest map."""
    highest: NDArray[np.uint8] = keys[np.argmax(maps, axis=0)].astype(np.uint8)
    return highest


def read(path: Path) -> tuple[NDArray[np.int64], Array]:
    """Return keys and maps of a file. Raises ValueError where they do not fit together."""
    content: dict[str, Any] = np.load(path, allow_pickle=True).item()
    keys, maps = content["keys"], content["IS_CAM"]
    if keys[0] != 0 or maps.shape[:1] != keys.shape:
        msg = f"expected a map for each key, 0 first; found keys {keys} and shape {maps.shape}"
        raise ValueError(msg)
    return keys, maps


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; a file that does not fit ends it with status 2 and a line saying which."""
    parser = argparse.ArgumentParser(prog="harness.glue.sipe_cams", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--cams", type=Path, required=True)
    parser.add_argument("--ids", type=Path, required=True, help="a list of bare ids")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    ids = given.ids.read_text().split()
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
