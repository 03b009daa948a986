"""What to show of a build's log when the build failed."""

import re
from collections.abc import Iterable

from harness.terminal import readable

_LAST_LINES = 20
#: pip lists every hash that would have done, dozens of one package, behind the line that names it.
_ANOTHER_HASH = re.compile(r"\s+Expected\s+or [0-9a-f]{64}\s*$")
_HINTS = {
    r"CERTIFICATE_VERIFY_FAILED|SSLError|invalid peer certificate": (
        "pass the certificates of your proxy with --ca-bundle FILE"
    ),
    r"DO NOT MATCH THE HASHES|hashes are required|Hash mismatch for|--require-hashes` mode": (
        "a file is not the one that was locked; nothing of it was used; check your registry"
    ),
    r"No matching distribution|Could not find a version|ConnectionError|No solution found|"
    r"Failed to (fetch|download)|error sending request": (
        "check the network, or pass a folder of wheels with --wheelhouse DIR"
    ),
    r"(gcc|g\+\+|cc1plus).*(failed|not found|No such file)": (
        "a package is built from source: install a C++ compiler (Debian: g++, python3-dev)"
    ),
    r"No module named '?(venv|ensurepip|pip)|ensurepip is not": (
        "install the venv module (Debian: python3-venv)"
    ),
    r"pull access denied|manifest unknown|registry": (
        "the base image cannot be pulled: pass one with --base IMAGE"
    ),
}


def last_lines(lines: Iterable[str]) -> str:
    """The end of the log, readable, without empty progress lines."""
    plain = (readable(line) for line in lines)
    telling = [line for line in plain if line.strip() and not _ANOTHER_HASH.match(line)]
    return "\n".join(telling[-_LAST_LINES:])


def hint_of(said: str) -> str:
    """What to do about an error of pip or the engine."""
    found = (hint for pattern, hint in _HINTS.items() if re.search(pattern, said))
    return next(found, "read the full log")
