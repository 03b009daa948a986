"""Values of plain YAML scalars: the core schema of YAML 1.2, less what no manifest can use."""

import math
import re

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MOST_DIGITS = 64  # a longer one cannot be a whole number of 64 bits that anybody wrote
_LEAST, _MOST = -(2**63), 2**63 - 1


def plain_value(text: str) -> str | int | float | bool | None:
    """Return what an unquoted scalar stands for.

    Raises:
        ValueError: if it is a number that is not finite or needs more than 64 bits.

    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _DECIMAL.fullmatch(text):
        return _whole(text, 10)
    if _OTHER_BASE.fullmatch(text):
        return _whole(text, 0)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("a number that is not finite")
    return text


def _whole(text: str, base: int) -> int:
    number = int(text, base) if len(text) <= _MOST_DIGITS else _MOST + 1
    if not _LEAST <= number <= _MOST:
        raise ValueError("a whole number of more than 64 bits")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that is not finite")
    return number
