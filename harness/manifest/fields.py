"""How manifest values are made: frozen, validated dataclasses, and the texts they are built of."""

import re
from typing import Annotated, TypeVar, cast, dataclass_transform
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass

T = TypeVar("T")

# Schemas are built when first used: a command uses few, and each holds all that are inside it.
# A field with an alias (`rehearsal-cpu` is no name of Python) is known by its own name too.
_CONFIG = ConfigDict(
    extra="forbid", defer_build=True, validate_by_name=True, validate_by_alias=True
)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def value(cls: type[T]) -> type[T]:
    """Make `cls` a frozen, keyword-only, validated dataclass that refuses unknown keys."""
    return cast("type[T]", dataclass(frozen=True, kw_only=True, slots=True, config=_CONFIG)(cls))


# Names become names of files.
_NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,99}"
Name = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
#: Of an environment variable.
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
#: An option may choose: a name, or a placeholder of a field of its choices.
_CHOSEN = r"\{o\.[A-Za-z][\w-]*\.[A-Za-z][\w-]*\}"
Label = Annotated[str, StringConstraints(pattern=rf"^({_NAME}|{_CHOSEN})$")]
#: Of a GPU: machine code (sm_86) or PTX (compute_90); a and f mark code for one card or family.
Architecture = Annotated[str, StringConstraints(pattern=r"^(sm|compute)_\d{2,}[af]?$")]
Date = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


#: Estimates and limits; beyond what any machine has, so that sums stay finite.
Gigabytes = Annotated[float, Field(ge=0, le=1e6)]
Hours = Annotated[float, Field(ge=0, le=1e6)]
_LONGEST_PATTERN = 200
_LONGEST_PATH, _LONGEST_FILE_NAME = 1000, 255  # characters, bytes


def _address(text: str) -> str:
    urlsplit(text)  # ValueError says what is wrong
    return text


#: Of a repository or a file on the web, or a path.
Address = Annotated[str, AfterValidator(_address)]


def is_name(text: str) -> bool:
    """Whether `text` can name an entry: letters, digits, `_`, `.`, `-`, a letter first."""
    return re.fullmatch(_NAME, text) is not None


def _inner(path: str) -> str:
    names = path.split("/")
    if len(path) > _LONGEST_PATH or any(len(n.encode()) > _LONGEST_FILE_NAME for n in names):
        raise ValueError("a path that is too long")
    if not path.isprintable():
        raise ValueError("an unprintable character in a path")
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


def _pattern(text: str) -> str:
    if len(text) > _LONGEST_PATTERN:
        raise ValueError(f"a regular expression of more than {_LONGEST_PATTERN} characters")
    try:
        re.compile(text)
    except (re.error, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


def _progress(text: str) -> str:
    if "at" not in re.compile(text).groupindex:
        raise ValueError("expected a regular expression with a group (?P<at>...)")
    return text


def check_reference(text: str) -> str:
    """Return a reference as it is. Raises ValueError."""
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
Reference = Annotated[str, AfterValidator(check_reference)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Progress = Annotated[Pattern, AfterValidator(_progress)]
