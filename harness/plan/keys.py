"""Content addresses: sha256 over canonical JSON."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any


def canonical(value: Any) -> str:
    """JSON with sorted keys and no white space; dataclasses as mappings, Nones left out."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """The sha256 of the canonical JSON of `value`, as 64 hex digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def plain(value: Any) -> Any:
    """Dataclasses, tuples, enums and mappings as plain JSON values; Nones left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: plain(item) for name, item in pairs if item is not None}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def differences(left: Any, right: Any, where: str = "") -> list[tuple[str, Any, Any]]:
    """The leaves in which two JSON values differ: (path, left, right), None where absent."""
    if isinstance(left, dict) and isinstance(right, dict):
        found: list[tuple[str, Any, Any]] = []
        for key in sorted(left.keys() | right.keys()):
            inner = f"{where}.{key}" if where else key
            found += differences(left.get(key), right.get(key), inner)
        return found
    return [] if left == right else [(where, left, right)]
