"""Sparse-checkout patterns (non-cone), read as git reads them.

The last pattern that matches a path decides; a path that none matches goes with its folder, and the
root is left out. So, unlike in `.gitignore`, `!` can leave a file out of a folder that is taken in.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_GLOB = re.compile(r"\*+|\?|\[[!^]?\]?[^\]/]*\]|\\?.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Pattern:
    expression: re.Pattern[str]
    takes: bool
    folders_only: bool
    by_name: bool  # without a slash: matches the last name of a path


def selected(patterns: Collection[str], paths: Iterable[str]) -> frozenset[str]:
    """The paths that the patterns take in."""
    rules = tuple(_pattern(pattern) for pattern in reversed(tuple(patterns)))
    folders = {"": False}
    return frozenset(path for path in paths if _takes(path, rules, folders, folder=False))


def _takes(path: str, rules: tuple[_Pattern, ...], known: dict[str, bool], *, folder: bool) -> bool:
    if folder and path in known:
        return known[path]
    above, _, name = path.rpartition("/")
    for rule in rules:
        subject = name if rule.by_name else path
        if (folder or not rule.folders_only) and rule.expression.fullmatch(subject):
            taken = rule.takes
            break
    else:
        taken = _takes(above, rules, known, folder=True)
    if folder:
        known[path] = taken
    return taken


def _pattern(text: str) -> _Pattern:
    body = text.removeprefix("!")
    inner = body.removesuffix("/")
    return _Pattern(
        expression=re.compile(_translated(inner.removeprefix("/")), re.DOTALL),
        takes=not text.startswith("!"),
        folders_only=body.endswith("/"),
        by_name="/" not in inner,
    )


def _translated(glob: str) -> str:
    """The regular expression of a glob in which `*` and `?` stop at a slash and `**` does not."""
    if glob.startswith("**/"):
        return "(?:.*/)?" + _translated(glob[3:])
    head, middle, tail = glob.partition("/**/")
    if middle:
        return _translated(head) + "/(?:.*/)?" + _translated(tail)
    if glob.endswith("/**"):
        return _translated(glob[:-3]) + "/.+"
    return "".join(_piece(piece) for piece in _GLOB.findall(glob))


def _piece(piece: str) -> str:
    if piece.startswith("*"):
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece.startswith("[") and len(piece) > 1:
        negated = piece[1] in "!^"
        body = piece[2 if negated else 1 : -1].replace("\\", "\\\\").replace("[", "\\[")
        return f"[{'^/' if negated else ''}{body.replace(']', chr(92) + ']')}]"
    return re.escape(piece.removeprefix("\\") or piece)
