"""uv in pip's place: it installs from the same locks, with the same settings, in less time.

Where uv is not to be had, or a setting of the user's has no like in it, pip installs.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.environments.pip_settings import users_settings

#: The variable of uv for each setting of pip that names a place or a connection.
_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "keyring-provider": "UV_KEYRING_PROVIDER",
    "no-cache-dir": "UV_NO_CACHE",
}
#: Settings of uv's own that are kept, with the names that it had for them before.
_KEPT = {
    **{name: name for name in _VARIABLES.values() if name.startswith("UV_")},
    "UV_INDEX_URL": "UV_DEFAULT_INDEX",
    "UV_INDEX": "UV_INDEX",
    "UV_CACHE_DIR": "UV_CACHE_DIR",
    "UV_SYSTEM_CERTS": "UV_SYSTEM_CERTS",
}
_OURS = {
    "UV_NO_CONFIG": "1",
    "UV_NO_PROGRESS": "1",
    # As pip does. All places are asked: the lock's hashes say which files may be installed. Of
    # several wheels of a version uv takes the first place's, pip the one with the newest tag.
    "UV_INDEX_STRATEGY": "unsafe-best-match",
    # A linked file would be one with the cache's, and a step without isolation may write to it.
    "UV_LINK_MODE": "copy",
    # As pip does: steps cannot write beside modules, and would compile them at every start.
    "UV_COMPILE_BYTECODE": "1",
    "UV_COMPILE_BYTECODE_TIMEOUT": "3600",  # of one file, on a machine with much else to do
}
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
_TRUE = frozenset({"1", "true", "yes", "y", "on", "t"})
_KEYRINGS = frozenset({"disabled", "subprocess"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Uv:
    """A uv, and the variables that tell it what the user told pip."""

    path: Path
    variables: Mapping[str, str]
    no_index: bool = False

    def install(self, python: Path) -> tuple[str, ...]:
        """The beginning of a command that installs into the environment of `python`."""
        no_index = ("--no-index",) if self.no_index else ()
        return (*self._pip("install", python), "--no-deps", *no_index)

    def check(self, python: Path) -> tuple[str, ...]:
        """The command that looks whether requirements of packages are met."""
        return self._pip("check", python)

    def _pip(self, verb: str, python: Path) -> tuple[str, ...]:
        return (str(self.path), "pip", verb, "--python", str(python))


def find_uv(
    environ: Mapping[str, str], options: Sequence[str] = (), path: Path | None = None
) -> Uv | None:
    """The uv beside harness's Python, under the user's settings and these options of pip.

    None without one, or where it cannot follow them. Raises NotReadyError for settings that cannot
    be read.
    """
    program = path or Path(sys.executable).with_name("uv")
    settings = _with_options(users_settings(environ), options)
    if not program.is_file() or not _can_follow(settings):
        return None
    own = {_KEPT[name]: environ[name] for name in _KEPT if environ.get(name, "").strip()}
    no_index = settings.pop("no-index", "").lower() in _TRUE
    variables = {**_OURS, **dict(_variables(settings)), **own}
    return Uv(path=program, variables=variables, no_index=no_index)


def _with_options(settings: Mapping[str, str], options: Sequence[str]) -> dict[str, str]:
    """The settings, with pip's options: places are added, all else is replaced."""
    found = dict(settings)
    if "find-links" in found:
        found["find-links"] = ",".join(found["find-links"].split())
    rest = iter(options)
    for option in rest:
        name = option.removeprefix("--")
        match name:
            case "no-index":
                found[name] = "1"
            case "find-links":  # several are separated by commas, which a URL never needs
                place = Path(next(rest)).absolute().as_uri()
                found[name] = ",".join(filter(None, (found.get(name), place)))
            case "extra-index-url":
                found[name] = " ".join(filter(None, (found.get(name), next(rest))))
            case _:
                found[name] = next(rest)
    return found


def _can_follow(settings: Mapping[str, str]) -> bool:
    numbers = (settings.get(name, "0") for name in ("timeout", "retries"))
    return settings.get("keyring-provider", "disabled") in _KEYRINGS and all(
        number.replace(".", "", 1).isdigit() for number in numbers
    )


def _variables(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in settings.items():
        value = " ".join(text.split())
        match name:
            case "no-cache-dir":
                if value.lower() in _TRUE:
                    yield _VARIABLES[name], "1"
            case "timeout" | "retries":
                yield _VARIABLES[name], value.partition(".")[0]
            case "proxy":
                yield from ((each, value) for each in _PROXIES)
            case "cache-dir":
                yield "UV_CACHE_DIR", str(Path(value, "uv"))
            case _:
                yield _VARIABLES[name], value
