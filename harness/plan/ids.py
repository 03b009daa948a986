"""Read image ids from list files: the one place that knows the two formats upstream uses."""

import re

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PICTURES = frozenset({"jpg", "jpeg", "png"})


def parse_ids(text: str) -> tuple[str, ...]:
    """Ids of a list, in order: bare ones, or lines like `/Pictures/<id>.jpg /Masks/<id>.png`.

    The id is the stem of a line's first token; empty lines are left out.

    Raises:
        ValueError: a line holds no usable id, or an id is listed twice; the line is named.

    """
    ids: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name = _stem(line.split()[0])
        if not _ID.fullmatch(name):
            raise ValueError(f"line {number}: expected an id, found {line.strip()[:60]!r}")
        if name in ids:
            raise ValueError(f"line {number}: id {name} is already in line {ids[name]}")
        ids[name] = number
    return tuple(ids)


def _stem(token: str) -> str:
    name = token.rsplit("/", 1)[-1]
    stem, _, suffix = name.rpartition(".")
    return stem if stem and suffix.lower() in _PICTURES else name
