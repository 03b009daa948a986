"""Read MXNet's NDArray-list format (`.params`): dense arrays, all four header versions.

Layout (little endian): magic 0x112 and 0 as uint64; the number of arrays as uint64, and the arrays;
the number of names as uint64, and each name as uint64 length and UTF-8. The header of an array
starts with its version. The oldest version has no such field; its header starts with the number of
dimensions.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_LIST = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE = 0
_MOST_DIMENSIONS = 32
_TYPES = ("f4", "f8", "f2", "u1", "i4", "i1", "i8", "?", "i2", "u2", "u4", "u8")


class NDArray:
    """An array from a file; upstream code uses only `asnumpy`."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.shape = data.shape
        self.dtype = data.dtype

    def asnumpy(self) -> Any:
        """Return the values as a writable numpy array of the stored shape and dtype."""
        return self._data


def load(fname: str) -> dict[str, NDArray] | list[NDArray]:
    """Return the arrays in the file `fname` by name, or as a list if they have no names.

    Raises ValueError, with the file name, if it is not a complete NDArray list of dense arrays.
    """
    with Path(fname).open("rb") as stream:
        try:
            arrays = [_array(stream) for _ in range(_count(stream))]
            names = [_bytes(stream, *_read(stream, "Q")) for _ in range(*_read(stream, "Q"))]
        except ValueError as error:
            raise ValueError(f"{fname} is not an MXNet NDArray list: {error}") from error
    if not names:
        return arrays
    return {name.decode(): array for name, array in zip(names, arrays)}  # noqa: B905 - Python 3.9


def _count(stream: BinaryIO) -> int:
    magic, _, count = _read(stream, "QQQ")
    if magic != _LIST:
        raise ValueError(f"starts with {magic:#x}, expected {_LIST:#x}")
    return count


def _array(stream: BinaryIO) -> NDArray:
    (version,) = _read(stream, "I")
    if version in {_V2, _V3}:
        (storage,) = _read(stream, "i")
        if storage != _DENSE:
            raise ValueError(f"storage type {storage} at byte {stream.tell()}, expected dense")
    shape = _shape(stream, version)
    if shape is None:
        return NDArray(np.zeros(0, "<f4"))
    _, _, flag = _read(stream, "iii")  # device type, device number, type
    if not 0 <= flag < len(_TYPES):
        raise ValueError(f"type {flag} at byte {stream.tell()}, expected 0 to {len(_TYPES) - 1}")
    dtype = np.dtype(_TYPES[flag]).newbyteorder("<")
    data = bytearray(_bytes(stream, math.prod(shape) * dtype.itemsize))
    return NDArray(np.frombuffer(data, dtype).reshape(shape))


def _shape(stream: BinaryIO, version: int) -> tuple[int, ...] | None:
    """Return the dimensions; None if the array is empty, in which case its header ends here."""
    dims = version if version not in {_V1, _V2, _V3} else _read(stream, "i")[0]
    if dims == (-1 if version == _V3 else 0):
        return None
    if not 0 <= dims <= _MOST_DIMENSIONS:
        raise ValueError(f"{dims} dimensions at byte {stream.tell()}, expected at most 32")
    shape = _read(stream, f"{dims}{'q' if version in {_V1, _V2, _V3} else 'I'}")
    if any(size < 0 for size in shape):
        raise ValueError(f"shape {shape} at byte {stream.tell()} has a negative size")
    return shape


def _read(stream: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(f"<{form}", _bytes(stream, struct.calcsize(f"<{form}")))


def _bytes(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise ValueError(f"it ends {count - len(data)} bytes early")
    return data
