"""How manifest values are made: frozen, validated dataclasses, and the texts they are built of."""

import re
from typing import Annotated, TypeVar, cast, dataclass_transform

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass

T = TypeVar("T")

# Schemas are built when first used: a command uses few, and each holds all that are inside it.
_CONFIG = ConfigDict(extra="forbid", defer_build=True)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def value(cls: type[T]) -> type[T]:
    """Make `cls` a frozen, keyword-only, validated dataclass that refuses unknown keys."""
    return cast("type[T]", dataclass(frozen=True, kw_only=True, slots=True, config=_CONFIG)(cls))


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
#: An option may choose: a name, or a placeholder of a field of its choices.
_CHOSEN = r"\{o\.[A-Za-z][\w-]*\.[A-Za-z][\w-]*\}"
Label = Annotated[str, StringConstraints(pattern=rf"^([A-Za-z][A-Za-z0-9_.-]*|{_CHOSEN})$")]
#: Of a GPU: machine code (sm_86) or PTX (compute_90); a and f mark code for one card or family.
Architecture = Annotated[str, StringConstraints(pattern=r"^(sm|compute)_\d{2,}[af]?$")]
Date = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


def _inner(path: str) -> str:
    names = path.split("/")
    if path != "." and (not path or any(name in {"", ".", ".."} for name in names)):
        raise ValueError(
            "expected a relative path that stays inside its root (no '..', no leading '/')"
        )
    return path


def touch(left: str, right: str) -> bool:
    """Whether one of two inner paths is the other or lies in it."""
    if "." in (left, right):
        return True
    return f"{left}/".startswith(f"{right}/") or f"{right}/".startswith(f"{left}/")


def _reference(text: str) -> str:
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise ValueError("expected steps.NAME.OUTPUT, assets.NAME[/path] or repos.NAME[/path]")
    _inner(match["path"] or ".")
    return text


_REFERENCE = re.compile(
    r"(?P<kind>steps|assets|repos|given)\."
    rf"(?P<name>[\w-]+|{_CHOSEN})(?P<output>\.[\w-]+)?(/(?P<path>.+))?"
)
InnerPath = Annotated[str, AfterValidator(_inner)]
Reference = Annotated[str, AfterValidator(_reference)]
