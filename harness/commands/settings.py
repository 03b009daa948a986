"""Defaults of one's own: `harness.toml` in the project's folder, then in the user's.

A variable HARNESS_NAME wins over both files, and an option over all.
"""

import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.commands.places import default_runs, find_cache, is_installed
from harness.errors import UsageError
from harness.layout import ProjectLayout
from harness.manifest.model import RuntimeName
from harness.names import choose, suggest

FILE: Final = "harness.toml"

_Read = Callable[[Any, Path], Any]  # a value in a file, the file's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A default of one's own."""

    name: str
    value: Any
    origin: str  # the file and line, or the variable


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"HARNESS_{name.upper().replace('-', '_')}"


def settings_files(project: ProjectLayout) -> tuple[Path, ...]:
    """The files that may hold settings; the first that has a key counts."""
    own = Path.cwd() if is_installed(project) else project.root
    named = Path(os.environ.get("XDG_CONFIG_HOME") or ".")
    users = named if named.is_absolute() else Path(os.path.expanduser("~"), ".config")  # noqa: PTH111 - never raises
    return (own / FILE, users / "harness" / FILE)


def all_settings(project: ProjectLayout) -> list[Setting]:
    """Every setting as it counts when no option is given. Raises UsageError."""
    found = read_settings(project)
    usual = {
        "runs": default_runs(project),
        "cache": find_cache().root,
        "runtime": RuntimeName.DOCKER.value,
        "jobs": 2,
    }
    plain = {
        name: Setting(name=name, value=usual.get(name), origin=_WITHOUT.get(name, "default"))
        for name in KEYS
    }
    given = {
        name: Setting(name=name, value=value, origin=variable(name))
        for name in KEYS
        if (value := os.environ.get(variable(name)))
    }
    where = "HARNESS_PROJECT" if os.environ.get("HARNESS_PROJECT") else "default"
    first = Setting(name="project", value=project.root, origin=where)
    return [first, *({**plain, **found, **given}).values()]


def read_settings(project: ProjectLayout) -> dict[str, Setting]:
    """What the files set and no variable does, by name. Raises UsageError, naming file and line."""
    found: dict[str, Setting] = {}
    for file in settings_files(project):
        for name, one in _read_file(file).items():
            if not os.environ.get(variable(name)):
                found.setdefault(name, one)
    return found


def _read_file(file: Path) -> dict[str, Setting]:
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        hint = f"write lines such as: runtime = 'process'; keys: {', '.join(KEYS)}"
        raise UsageError(f"{file} cannot be read: {error}", hint=hint) from error
    return {name: _setting(file, text, name, value) for name, value in document.items()}


def _setting(file: Path, text: str, name: str, value: Any) -> Setting:
    place = f"{file}:{_line(text, name)}"
    if name not in KEYS:
        raise UsageError(f"{place}: unknown key {name!r}", hint=suggest(name, KEYS, "keys"))
    try:
        return Setting(name=name, value=KEYS[name](value, file.parent), origin=place)
    except ValueError as error:
        what = f"{place}: {name} = {value!r}: {error}"
        raise UsageError(
            what, hint="correct the file; `harness config` shows what counts"
        ) from error


def _line(text: str, name: str) -> int:
    """The line of a top key, or of the table of that name."""
    key = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[\].=]")
    lines = text.splitlines()
    return next((at for at, line in enumerate(lines, 1) if key.match(line)), 1)


def _path(value: Any, folder: Path) -> Path:
    return folder / Path(_text(value, folder)).expanduser()


def _text(value: Any, _: Path) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text that is not empty")
    return value


def _count(value: Any, _: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("expected a whole number of at least 1")
    return value


def _hours(value: Any, _: Path) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise ValueError("expected hours, a number above 0")
    return float(value)


def _runtime(value: Any, folder: Path) -> str:
    names = [one.value for one in RuntimeName]
    try:
        return choose(_text(value, folder), names, "unknown")
    except UsageError as error:
        raise ValueError(f"{error}; {error.hint}") from error


def _gpus(value: Any, folder: Path) -> str:
    """As --gpus takes them: a text, an index, or a list of both."""
    if isinstance(value, list):
        return ",".join(_gpus(one, folder) for one in value)
    return str(value) if type(value) is int else _text(value, folder)


#: Every key of the file, and how its value is read.
KEYS: Final[Mapping[str, _Read]] = {
    "runs": _path,
    "data": _path,
    "mirror": _path,
    "cache": _path,
    "ca-bundle": _path,
    "wheelhouse": _path,
    "runtime": _runtime,
    "stack": _text,
    "gpus": _gpus,
    "jobs": _count,
    "notify": _text,
    "every": _hours,
}
#: What counts where there is no value.
_WITHOUT: Final = {
    "stack": "default: the method's first",
    "gpus": "default: all",
    "every": "default: no news but ends",
}
