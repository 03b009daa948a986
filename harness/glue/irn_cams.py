"""Convert full-size CAMs to the dicts that irn reads.

For each id in ``--ids``, ``--cams/<id>.npy`` is a dict, class number 0..19 -> H x W map, as SEAM,
hfpl and Spatial-BCE write it. The tool writes ``--out/<id>.npy``, a dict like that of irn's own
``make_cam``::

    keys      int64, the K class numbers in order
    high_res  float32, K x H x W
    cam       float32, K x ceil(H / 4) x ceil(W / 4): means of 4 x 4 pixels, borders repeated

Values below 0, which mark background, become 0. Each map is divided by its maximum plus 1e-5,
because irn's thresholds are meant for maps with a maximum of 1. irn's ``cam`` is a tensor; here it
is an array.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.readers.id_lists import read_ids
from harness.readers.safe_pickle import load_npy_dict

STRIDE = 4
MARGIN = 1e-5
Array = NDArray[Any]


def convert(maps: Mapping[Any, Array]) -> dict[str, Array]:
    """Return irn's dict for one image.

    Raises ValueError if there is no map or the maps differ in size.
    """
    keys = sorted(maps)
    if len({maps[key].shape for key in keys}) != 1:
        msg = f"expected maps of one size, found {[maps[key].shape for key in keys]}"
        raise ValueError(msg)
    full = np.stack([np.maximum(maps[key], 0) for key in keys]).astype(np.float32)
    return {
        "keys": np.array(keys, np.int64),
        "cam": normalised(shrunk(full)),
        "high_res": normalised(full),
    }


def shrunk(maps: Array) -> Array:
    """Return K x H x W maps at a quarter of their height and width, rounded up."""
    count, height, width = maps.shape
    padded = np.pad(maps, ((0, 0), (0, -height % STRIDE), (0, -width % STRIDE)), mode="edge")
    blocks = padded.reshape(count, padded.shape[1] // STRIDE, STRIDE, -1, STRIDE)
    small: Array = blocks.mean((2, 4), dtype=np.float32)
    return small


def normalised(maps: Array) -> Array:
    """Return K x H x W maps, each divided by its maximum plus 1e-5."""
    scaled: Array = maps / (maps.max((1, 2), keepdims=True) + np.float32(MARGIN))
    return scaled


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; an invalid file is an error that names its id, with exit status 2."""
    parser = argparse.ArgumentParser(prog="harness.glue.irn_cams", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--cams", type=Path, required=True, help="folder of <id>.npy")
    parser.add_argument("--ids", type=Path, required=True, help="file with one id per line")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    given = parser.parse_args(arguments)
    try:
        ids = read_ids(given.ids)
    except ValueError as error:
        parser.error(str(error))
    given.out.mkdir(parents=True, exist_ok=True)
    for done, name in enumerate(ids, 1):
        try:
            maps = load_npy_dict(given.cams / f"{name}.npy")
            np.save(given.out / f"{name}.npy", convert(maps))  # type: ignore[arg-type]
        except (OSError, ValueError) as error:
            parser.error(f"{name}: {error}")
        if done % 100 == 0 or done == len(ids):
            sys.stdout.write(f"{done}/{len(ids)} images\n")


if __name__ == "__main__":
    main()
