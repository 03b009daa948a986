"""Content addresses: sha256 over canonical JSON."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from pathlib import PurePath
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_LEAVES = frozenset({str, int, float, bool, type(None)})


def canonical(value: Any) -> str:
    """JSON with sorted keys and no white space; dataclasses as mappings, Nones left out."""
    return canonical_plain(plain(value))


def digest(value: Any) -> str:
    """The sha256 of the canonical JSON of `value`, as 64 hex digits."""
    return digest_plain(plain(value))


def canonical_plain(value: Any) -> str:
    """`canonical` of what `plain` gave."""
    return _ENCODER.encode(value)


def digest_plain(value: Any) -> str:
    """`digest` of what `plain` gave, which need not be walked again."""
    return hashlib.sha256(canonical_plain(value).encode()).hexdigest()


def plain(value: Any) -> Any:
    """Dataclasses, sequences, sets, enums, paths, mappings as plain JSON values; Nones left out."""
    kind = type(value)
    if kind in _LEAVES:
        return value
    walk = _walk_of(kind)  # type: ignore[arg-type]  # a type is hashable
    return value if walk is None else walk(value)


@cache
def _walk_of(kind: type) -> Callable[[Any], Any] | None:
    """How values of a type are made plain, None if they stay: plans hold a million values."""
    if dataclasses.is_dataclass(kind):
        return _walk_of_dataclass(kind)
    if issubclass(kind, Mapping):
        return _plain_mapping
    if issubclass(kind, Enum):
        return _plain_enum
    if issubclass(kind, PurePath):
        return str
    if issubclass(kind, set | frozenset):
        return _plain_set
    return _plain_list if issubclass(kind, list | tuple) else None


def _walk_of_dataclass(kind: type) -> Callable[[Any], Any]:
    names = tuple(field.name for field in dataclasses.fields(kind))

    def plain_fields(value: Any) -> Any:
        pairs = [(name, getattr(value, name)) for name in names]
        return {name: plain(item) for name, item in pairs if item is not None}

    return plain_fields


def _plain_mapping(value: Any) -> Any:
    return {str(key): item if type(item) in _LEAVES else plain(item) for key, item in value.items()}


def _plain_enum(value: Any) -> Any:
    return value.value


def _plain_list(value: Any) -> Any:
    return [item if type(item) in _LEAVES else plain(item) for item in value]


def _plain_set(value: Any) -> Any:
    return sorted(map(plain, value))


def differences(left: Any, right: Any, where: str = "") -> list[tuple[str, Any, Any]]:
    """The leaves in which two JSON values differ: (path, left, right), None where absent."""
    if isinstance(left, dict) and isinstance(right, dict):
        found: list[tuple[str, Any, Any]] = []
        for key in sorted(left.keys() | right.keys()):
            inner = f"{where}.{key}" if where else key
            found += differences(left.get(key), right.get(key), inner)
        return found
    return [] if left == right else [(where, left, right)]
