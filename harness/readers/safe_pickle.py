"""Read the pickled dicts in `.npy` files without running any code they name."""

from __future__ import annotations

import ast
import io
import pickle
import pickletools
from pathlib import Path
from typing import Any, NoReturn

from harness.readers.pickle_builders import NAMES, Array, UnsafePickleError

__all__ = ["UnsafePickleError", "load_npy_dict"]

_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_PLAIN = """
    PROTO FRAME STOP MARK POP POP_MARK MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL
    REDUCE BUILD NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT
    BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    BINBYTES SHORT_BINBYTES BINBYTES8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST
    APPEND APPENDS EMPTY_DICT DICT SETITEM SETITEMS
"""
_INSTRUCTIONS = _PUTS | set(_PLAIN.split())
_MAGIC, _MAX_HEADER = b"\x93NUMPY", 10_000
_VERSIONS = (b"\1\0", b"\2\0", b"\3\0")
_FIELDS = {"descr", "fortran_order", "shape"}


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
        _scan(stream)
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
    if magic != _MAGIC or version not in _VERSIONS or length > _MAX_HEADER:
        raise UnsafePickleError("no npy header")
    try:
        header = ast.literal_eval(stream.read(length).decode("ascii"))
        descr, shape = header["descr"], header["shape"]
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError) as error:
        raise UnsafePickleError(f"no npy header ({type(error).__name__})") from error
    if set(header) != _FIELDS or not isinstance(header["fortran_order"], bool):
        raise UnsafePickleError("no npy header (other fields than numpy writes)")
    if descr not in ("|O", "O") or shape != ():
        raise UnsafePickleError(f"a plain array of {descr} {shape}, not a pickled dict")


def _scan(stream: io.BytesIO) -> None:
    """Refuse a pickle that uses unusual instructions or would swell the unpickler's memo.

    The memo is an array as long as its highest index, so that one wrong byte in an index can ask
    for more memory than the machine has. Whoever writes a pickle counts its indices up from 0.
    """
    start, highest = stream.tell(), 0
    argument: Any
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name not in _INSTRUCTIONS:
            raise UnsafePickleError(f"a pickle with the unusual instruction {opcode.name}")
        if opcode.name in _PUTS:
            if not 0 <= int(argument) <= highest:
                raise UnsafePickleError(f"a broken pickle (memo index {argument})")
            highest = max(highest, int(argument) + 1)
    stream.seek(start)


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
    if isinstance(key, (int, str)) and not isinstance(key, bool):
        return key
    raise UnsafePickleError(f"a key of type {type(key).__name__}")


def _value(value: object) -> Any:
    import numpy as np

    if isinstance(value, Array):
        if not isinstance(value.content, np.ndarray):
            raise UnsafePickleError("a value that is an array of objects")
        return value.content
    if isinstance(value, (list, tuple)):
        return [_number(item) for item in value]
    return _number(value)


def _number(value: object) -> Any:
    import numpy as np

    if isinstance(value, (int, float, str, np.generic)):
        return value
    raise UnsafePickleError(f"a value of type {type(value).__name__.lstrip('_')}")
