"""Which settings git runs under: ours, and of the user's only what a connection needs.

A setting of a user's, in a file or in a `GIT_*` variable, must change nothing that git reads or
writes. Proxies, credentials and certificates of the user's are needed to reach a server at all.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

#: Beginnings of the names of variables that a connection may need; see pre-commit's no_git_env.
_CONNECTION = ("GIT_SSH", "GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_", "GIT_ASKPASS")
#: Variables that name the user's settings.
_FILES = (
    *("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
)
_PROGRAMS = ("GIT_EXEC_PATH",)
#: Settings that a connection may need: sections, and single ones.
_SECTIONS = ("http.", "https.", "credential.", "url.", "ssh.", "protocol.")
_SINGLE = frozenset({"core.sshcommand", "core.askpass", "core.gitproxy"})
_FIXED = {
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
}
_ALWAYS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
_OFFLINE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
_ONLINE = {"GIT_ALLOW_PROTOCOL": "https:http:ssh:file"}

#: The command that lists what the user has set, for `online`.
LIST_SETTINGS = ("config", "--list", "--null")


def offline() -> dict[str, str]:
    """Variables for work on repositories that are here."""
    return {**_ALWAYS, **_OFFLINE, **_numbered(_FIXED.items())}


def online(settings: bytes, ca_bundle: Path | None) -> dict[str, str]:
    """Variables for a fetch, given what `LIST_SETTINGS` printed.

    Certificates of `ca_bundle`, if there are any, come before those that git is set to use.
    """
    certificates = {"GIT_SSL_CAINFO": str(ca_bundle)} if ca_bundle else {}
    pairs = [*connection(settings), *_FIXED.items()]
    return {**_ALWAYS, **_ONLINE, **_numbered(pairs), **certificates}


def connection(settings: bytes) -> list[tuple[str, str]]:
    """The settings that a connection may need, in order: one may have several values."""
    lines = settings.decode("utf-8", "surrogateescape").split("\0")
    # Without a value a setting is true; git lists it without a line break.
    cut = [line.partition("\n") for line in lines]
    return [(name, value if sign else "true") for name, sign, value in cut if _connects(name)]


def unset(environ: Mapping[str, str], ours: Mapping[str, str], *, keeping: str) -> list[str]:
    """Names of inherited variables that git must not see: all of git's own but those of `keeping`.

    `keeping` is "nothing", "connection" or "settings".
    """
    kept = _PROGRAMS + {"nothing": (), "connection": _CONNECTION, "settings": _FILES}[keeping]
    theirs = [name for name in environ if name.startswith("GIT_")]
    return [name for name in theirs if name not in ours and not name.startswith(kept)]


def _connects(name: str) -> bool:
    return name.startswith(_SECTIONS) or name in _SINGLE


def _numbered(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Settings as git reads them from variables."""
    pairs = list(settings)
    keys = {f"GIT_CONFIG_KEY_{number}": name for number, (name, _) in enumerate(pairs)}
    values = {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(pairs)}
    return {"GIT_CONFIG_COUNT": str(len(pairs)), **keys, **values}
