"""Read the pickled dicts in `.npy` files without running anything they say.

Such a file comes out of foreign code, and a plain unpickler calls whatever a pickle names. Here the
few names that numpy writes stand for inert builders of ours; arrays are made from their raw bytes
after type, shape and length have been checked. Every other name is refused.
"""

import ast
import io
import math
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import numpy as np

_MAGIC, _MAX_HEADER = b"\x93NUMPY", 10_000
_MAX_DIMENSIONS = 8
_SHORT_STATE, _DTYPE_STATE = 5, 8
_CODE = re.compile(r"b1|[iu][1248]|f[248]|U\d{1,4}|O8?")


class UnsafePickleError(ValueError):
    """The file holds something else than a dict of numbers and numeric arrays."""


def load_npy_dict(path: Path) -> dict[int | str, Any]:
    """The dict that `numpy.save(path, some_dict)` wrote, under numpy 1 or 2.

    Keys are int or str; values are numeric arrays, numbers, strings, or flat lists of them. Arrays
    are read-only.

    Raises:
        UnsafePickleError: anything else is found, or the file is cut off.
        OSError: the file cannot be read.
    """
    stream = io.BytesIO(path.read_bytes())
    _read_header(stream)
    try:
        root = _Unpickler(stream, encoding="latin1").load()
    except UnsafePickleError:
        raise
    except Exception as error:  # a broken pickle makes the unpickler raise nearly anything
        raise UnsafePickleError(f"a broken pickle ({type(error).__name__}: {error})") from error
    if stream.read(1):
        raise UnsafePickleError("bytes after the end of the pickle")
    return _dictionary(root)


def _read_header(stream: io.BytesIO) -> None:
    """Read up to the pickle; the header must announce one object."""
    magic, version = stream.read(len(_MAGIC)), stream.read(2)
    length = int.from_bytes(stream.read(2 if version[:1] == b"\x01" else 4), "little")
    if magic != _MAGIC or length > _MAX_HEADER:
        raise UnsafePickleError("no npy header")
    try:
        header = ast.literal_eval(stream.read(length).decode("latin1").strip())
        descr, shape = header["descr"], header["shape"]
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError) as error:
        raise UnsafePickleError(f"no npy header ({type(error).__name__})") from error
    if descr not in ("|O", "O") or shape != ():
        raise UnsafePickleError(f"a plain array of {descr} {shape}, not a pickled dict")


# --- builders: what the names in a pickle stand for ---------------------------------------------


class _Builder:
    """Something a pickle may name. Its state cannot be set, so a pickle cannot bend it."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise UnsafePickleError("a pickle that changes how arrays are built")


class _ArrayType(_Builder):
    __slots__ = ()


class _Codec(_Builder):
    """`_codecs.encode(text, "latin1")`: how protocol 2 spells bytes."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object) -> bytes:
        if not isinstance(text, str) or encoding != "latin1":
            raise UnsafePickleError("bytes in an unknown spelling")
        return text.encode("latin1")


class _NoBytes(_Builder):
    """`bytes()`: how protocol 2 spells empty bytes."""

    __slots__ = ()

    def __call__(self) -> bytes:
        return b""


class _Dtype:
    """A plain element type, such as `<f4`; `object` only around the dict itself."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise UnsafePickleError(f"elements of type {code!r}")
        self.code = code
        self.order = "="

    @property
    def is_object(self) -> bool:
        return self.code.startswith("O")

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < _DTYPE_STATE:
            raise UnsafePickleError("an element type in an unknown form")
        order, subarray, names, fields = state[1:5]
        if order not in {"<", ">", "|", "="} or not subarray is names is fields is None:
            raise UnsafePickleError("a structured element type")
        self.order = order

    def numpy(self) -> "np.dtype[Any]":
        import numpy as np

        if self.is_object:
            raise UnsafePickleError("objects as array elements")
        return np.dtype(self.order + self.code)


class _MakeDtype(_Builder):
    __slots__ = ()

    def __call__(self, *arguments: object) -> _Dtype:
        return _Dtype(*arguments)


class _Array:
    """An array in the making: empty until its state is set."""

    __slots__ = ("content",)

    def __init__(self) -> None:
        self.content: object = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != _SHORT_STATE:
            raise UnsafePickleError("an array in an unknown form")
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, _Dtype):
            raise UnsafePickleError("an array without element type")
        count = _count(shape)
        if dtype.is_object:
            if not isinstance(data, list) or len(data) != count:
                raise UnsafePickleError("an array of objects in an unknown form")
            self.content = data
            return
        self.content = _numbers(data, dtype, count).reshape(shape, order="F" if fortran else "C")


class _MakeArray(_Builder):
    __slots__ = ()

    def __call__(self, subtype: object, *_: object) -> _Array:
        if not isinstance(subtype, _ArrayType):
            raise UnsafePickleError("a subclass of array")
        return _Array()


class _MakeScalar(_Builder):
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


def _numbers(data: object, dtype: _Dtype, count: int) -> "np.ndarray[Any, Any]":
    """`count` elements out of raw bytes, read-only, shape (count,)."""
    import numpy as np

    kind = dtype.numpy()
    if isinstance(data, str):  # Python 2 wrote str for bytes
        data = data.encode("latin1")
    if not isinstance(data, bytes) or len(data) != count * kind.itemsize:
        raise UnsafePickleError(f"array data that do not hold {count} elements of {kind}")
    return np.frombuffer(data, kind) if count else np.empty(0, kind)


_NUMPY = {"_reconstruct": _MakeArray(), "scalar": _MakeScalar()}
_NAMES: dict[tuple[str, str], _Builder] = {
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


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        builder = _NAMES.get((module, name))
        if builder is None:
            raise UnsafePickleError(f"a pickle that asks for {module}.{name}, which is not allowed")
        return builder

    def persistent_load(self, pid: Any, /) -> NoReturn:
        raise UnsafePickleError("a pickle that asks for something outside itself")


# --- from builders to plain values ----------------------------------------------------------------


def _dictionary(root: object) -> dict[int | str, Any]:
    content = root.content if isinstance(root, _Array) else None
    if not isinstance(content, list) or len(content) != 1 or not isinstance(content[0], dict):
        raise UnsafePickleError("a pickle that is not one dict")
    return {_key(key): _value(value) for key, value in content[0].items()}


def _key(key: object) -> int | str:
    import numpy as np

    if isinstance(key, np.generic):
        key = key.item()
    if isinstance(key, int | str) and not isinstance(key, bool):
        return key
    raise UnsafePickleError(f"a key of type {type(key).__name__}")


def _value(value: object) -> Any:
    import numpy as np

    if isinstance(value, _Array):
        if not isinstance(value.content, np.ndarray):
            raise UnsafePickleError("a value that is an array of objects")
        return value.content
    if isinstance(value, list | tuple):
        return [_number(item) for item in value]
    return _number(value)


def _number(value: object) -> Any:
    import numpy as np

    if isinstance(value, int | float | str | np.generic):
        return value
    raise UnsafePickleError(f"a value of type {type(value).__name__.lstrip('_')}")
