"""Which settings pip runs under: of the user's only those about where files come from.

An index, a proxy or a certificate of the user's is needed to reach a file at all. Any other setting
(`target`, `user`, `no-binary`, `constraint`, ...) could make another environment than the locked
one, as could variables of Python's and of other environments, so none of them gets through.
"""

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import NotReadyError

_KEPT = frozenset(
    {
        *("index-url", "extra-index-url", "no-index", "find-links", "trusted-host"),
        *("proxy", "cert", "client-cert", "timeout", "retries", "keyring-provider"),
        *("cache-dir", "no-cache-dir"),
    }
)
_SAME = {"default-timeout": "timeout", "pypi-url": "index-url"}
_SECTIONS = ("global", "install")  # of a settings file, the later one wins
#: Beginnings of the names of variables that lead Python, pip or compiled parts astray.
_ASTRAY = ("PIP_", "PYTHON", "_PYTHON", "__PYVENV", "VIRTUAL_ENV", "CONDA_", "UV_", "SETUPTOOLS_")
_OURS = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
}


def build_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables under which an environment is built. Raises NotReadyError."""
    inherited = {name: value for name, value in environ.items() if not name.startswith(_ASTRAY)}
    kept = {f"PIP_{_upper(name)}": value for name, value in users_settings(environ).items()}
    return {**inherited, **_OURS, **kept}


def users_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """What is kept of the user's settings: files first, then variables, as pip reads them.

    Raises NotReadyError for a file that cannot be read.
    """
    found: dict[str, str] = {}
    for path in _files(environ):
        found |= _of_file(path)
    variables = {name[4:]: value for name, value in environ.items() if name.startswith("PIP_")}
    return found | _kept(variables)


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """The settings files that there are: the system's, the user's, our Python's, the one named."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    home = Path(environ.get("HOME") or "/")
    system = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    places = [Path(folder, "pip", "pip.conf") for folder in system.split(os.pathsep)]
    places += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", own / "pip" / "pip.conf"]
    places += [Path(sys.prefix, "pip.conf"), *([Path(named)] if named else [])]
    yield from (place for place in places if place.is_file())


def _of_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise NotReadyError(
            f"pip's settings in {path} cannot be read: {error}",
            hint="fix the file, or set PIP_CONFIG_FILE=/dev/null to build without it",
        ) from error
    found: dict[str, str] = {}
    for section in _SECTIONS:
        found |= _kept(dict(parser[section]) if parser.has_section(section) else {})
    return found


def _kept(settings: Mapping[str, str]) -> dict[str, str]:
    """Those that are kept, by the name of pip's option; an empty one is none."""
    names = {name: name.lower().replace("_", "-").removeprefix("--") for name in settings}
    wanted = {_SAME.get(name, name): settings[given] for given, name in names.items()}
    return {name: value for name, value in wanted.items() if name in _KEPT and value.strip()}


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")
