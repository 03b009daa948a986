"""Read the pickled dicts in `.npy` files without running anything they say."""

import ast
import io
import pickle
from pathlib import Path
from typing import Any, NoReturn

from harness.engine.pickle_builders import NAMES, Array, UnsafePickleError

__all__ = ["UnsafePickleError", "load_npy_dict"]

_MAGIC, _MAX_HEADER = b"\x93NUMPY", 10_000


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


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        builder = NAMES.get((module, name))
        if builder is None:
            raise UnsafePickleError(f"a pickle that asks for {module}.{name}, which is not allowed")
        return builder

    def persistent_load(self, _: Any, /) -> NoReturn:
        raise UnsafePickleError("a pickle that asks for something outside itself")


def _dictionary(root: object) -> dict[int | str, Any]:
    content = root.content if isinstance(root, Array) else None
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

    if isinstance(value, Array):
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
