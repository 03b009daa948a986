"""What the names in numpy's pickles stand for when a stranger's file is read: inert builders.

A plain unpickler calls whatever a pickle names. The few names that numpy writes are bound to
objects of ours here; arrays are made from raw bytes after type, shape and length were checked.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import numpy as np

_MAX_DIMENSIONS = 8
_SHORT_STATE, _DTYPE_STATE = 5, 8
_OBJECT_FLAGS = 63
_CODE = re.compile(r"b1|[iu][1248]|f[248]|U\d{1,4}|O8?")


class UnsafePickleError(ValueError):
    """The file holds something else than a dict of numbers and numeric arrays."""


class Builder:
    """Something a pickle may name. Its state cannot be set, so a pickle cannot bend it."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise UnsafePickleError("a pickle that changes how arrays are built")


class _ArrayType(Builder):
    __slots__ = ()


class _Codec(Builder):
    """`_codecs.encode(text, "latin1")`: how protocol 2 spells bytes."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object) -> bytes:
        if not isinstance(text, str) or encoding != "latin1":
            raise UnsafePickleError("bytes in an unknown spelling")
        return text.encode("latin1")


class _NoBytes(Builder):
    """`bytes()`: how protocol 2 spells empty bytes."""

    __slots__ = ()

    def __call__(self) -> bytes:
        return b""


class _Dtype:
    """A plain element type, such as `<f4`; `object` only around the dict itself."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, *how: object) -> None:
        if how not in {(), (False, True)}:  # numpy's arguments: align, copy
            raise UnsafePickleError("an element type in an unknown form")
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise UnsafePickleError(f"elements of type {code!r}")
        self.code = code
        self.order = "="

    def _sizes(self) -> tuple[int, int, int]:
        """Return the bytes, alignment and flags that numpy writes of such a type; -1: as usual."""
        if self.code.startswith("U"):
            return 4 * int(self.code[1:]), 4, 8
        return -1, -1, _OBJECT_FLAGS if self.is_object else 0

    @property
    def is_object(self) -> bool:
        return self.code.startswith("O")

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < _DTYPE_STATE:
            raise UnsafePickleError("an element type in an unknown form")
        version, order, subarray, names, fields, *sizes = state[:_DTYPE_STATE]
        if version not in {3, 4} or tuple(sizes) != self._sizes():
            raise UnsafePickleError("an element type in an unknown form")
        if order not in {"<", ">", "|", "="} or not subarray is names is fields is None:
            raise UnsafePickleError("a structured element type")
        self.order = order

    def numpy(self) -> np.dtype[Any]:
        import numpy as np

        if self.is_object:
            raise UnsafePickleError("objects as array elements")
        return np.dtype(self.order + self.code)


class _MakeDtype(Builder):
    __slots__ = ()

    def __call__(self, *arguments: object) -> _Dtype:
        return _Dtype(*arguments)


class Array:
    """An array in the making: empty until its state is set."""

    __slots__ = ("content",)

    def __init__(self) -> None:
        self.content: object = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != _SHORT_STATE:
            raise UnsafePickleError("an array in an unknown form")
        version, shape, dtype, fortran, data = state
        if version != 1 or type(fortran) not in {bool, int}:
            raise UnsafePickleError("an array in an unknown form")
        if not isinstance(dtype, _Dtype):
            raise UnsafePickleError("an array without element type")
        count = _count(shape)
        if dtype.is_object:
            if not isinstance(data, list) or len(data) != count:
                raise UnsafePickleError("an array of objects in an unknown form")
            self.content = data
            return
        self.content = _numbers(data, dtype, count).reshape(shape, order="F" if fortran else "C")


class _MakeArray(Builder):
    __slots__ = ()

    def __call__(self, subtype: object, shape: object, code: object) -> Array:
        if not isinstance(subtype, _ArrayType):
            raise UnsafePickleError("a subclass of array")
        if shape != (0,) or code not in {b"b", "b"}:  # the empty array that numpy starts from
            raise UnsafePickleError("an array in an unknown form")
        return Array()


class _MakeScalar(Builder):
    __slots__ = ()

    def __call__(self, dtype: object, data: object) -> Any:
        if not isinstance(dtype, _Dtype):
            raise UnsafePickleError("a number without type")
        return _numbers(data, dtype, 1)[0]


def _count(shape: object) -> int:
    """Number of elements of an array of this shape."""
    if isinstance(shape, tuple) and len(shape) <= _MAX_DIMENSIONS:
        sizes = [size for size in shape if type(size) is int and size >= 0]
        if len(sizes) == len(shape):
            return math.prod(sizes)
    raise UnsafePickleError(f"an array of shape {shape!r}")


def _numbers(data: object, dtype: _Dtype, count: int) -> np.ndarray[Any, Any]:
    """`count` elements out of raw bytes, read-only, shape (count,)."""
    import numpy as np

    kind = dtype.numpy()
    if isinstance(data, str):  # Python 2 wrote str for bytes
        data = data.encode("latin1")
    if not isinstance(data, bytes) or len(data) != count * kind.itemsize:
        raise UnsafePickleError(f"array data that do not hold {count} elements of {kind}")
    return np.frombuffer(data, kind) if count else np.empty(0, kind)


_NUMPY = {"_reconstruct": _MakeArray(), "scalar": _MakeScalar()}
NAMES: dict[tuple[str, str], Builder] = {
    ("numpy", "ndarray"): _ArrayType(),
    ("numpy", "dtype"): _MakeDtype(),
    ("_codecs", "encode"): _Codec(),
    ("builtins", "bytes"): _NoBytes(),
    ("__builtin__", "bytes"): _NoBytes(),
} | {
    (f"numpy.{core}.multiarray", name): builder
    for core in ("core", "_core")
    for name, builder in _NUMPY.items()
}
