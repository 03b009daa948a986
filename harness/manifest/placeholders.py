"""Placeholders in manifest strings: values are filled while planning, places while running."""

import re
from collections.abc import Callable

PLACEHOLDER = re.compile(r"\{([a-z]+(?:\.[A-Za-z][\w-]*){0,2})\}")


def placeholders(text: str) -> tuple[str, ...]:
    """The placeholder names in `text`, in order."""
    return tuple(PLACEHOLDER.findall(text))


def fill(text: str, value_of: Callable[[str], str | None]) -> str:
    """Replace each placeholder for which `value_of` knows a value, in one pass."""

    def replace(match: re.Match[str]) -> str:
        found = value_of(match[1])
        return match[0] if found is None else found

    return PLACEHOLDER.sub(replace, text)
