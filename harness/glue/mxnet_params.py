"""Write named float arrays as an MXNet NDArray list (``.params``), without MXNet.

Layout, all little-endian: list magic and a reserved word (uint64 each); number of arrays (uint64)
and the arrays; number of names (uint64) and the names (uint64 length, UTF-8). An array consists of
its magic (uint32), storage type (int32, 0: dense), number of dimensions (uint32), dimensions (int64
each), device type and number (int32 each, 1 and 0: CPU), element type (int32, 0: float32) and the
values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

LIST_MAGIC = 0x112
ARRAY_MAGIC = 0xF993FAC9
DENSE, CPU, FLOAT32 = 0, 1, 0

Array = NDArray[np.float32]


def write_params(
    path: Path, shapes: Mapping[str, tuple[int, ...]], arrays: Iterable[Array]
) -> None:
    """Write one array per name in `shapes`, in that order; `arrays` may be a generator.

    Raises ValueError if an array does not have the shape of its name, or the counts differ.
    """
    with path.open("wb") as file:
        file.write(struct.pack("<QQQ", LIST_MAGIC, 0, len(shapes)))
        given = iter(arrays)
        for name, shape in shapes.items():
            array = next(given, None)
            if array is None or array.shape != shape:
                found = "nothing" if array is None else str(array.shape)
                msg = f"{name}: expected an array of shape {shape}, found {found}"
                raise ValueError(msg)
            _write_array(file, array)
        if next(given, None) is not None:
            msg = f"more arrays than the {len(shapes)} names"
            raise ValueError(msg)
        file.write(struct.pack("<Q", len(shapes)))
        for name in shapes:
            text = name.encode()
            file.write(struct.pack("<Q", len(text)) + text)


def _write_array(file: BinaryIO, array: Array) -> None:
    dimensions = struct.pack(f"<I{array.ndim}q", array.ndim, *array.shape)
    file.write(struct.pack("<Ii", ARRAY_MAGIC, DENSE) + dimensions)
    file.write(struct.pack("<iii", CPU, 0, FLOAT32))
    file.write(np.ascontiguousarray(array, dtype="<f4").tobytes())
