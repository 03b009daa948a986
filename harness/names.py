"""Names that people type: whole, or as a beginning that only one name has."""

import difflib
from collections.abc import Iterable

from harness.errors import UsageError

_ALIKE = 0.5  # how much a name must look like the word to be meant, 0 to 1


def choose(word: str, known: Iterable[str], unknown: str, *, listed: str = "one of") -> str:
    """Return the name that is `word`, or the only one that begins so.

    `unknown` is the error if there is none; `listed` introduces the names in its hint. Raises
    UsageError.

    >>> choose("res1", ["res38", "res101"], "no such backbone")
    'res101'
    """
    names = list(dict.fromkeys(known))
    if word in names:
        return word
    begun = [name for name in names if word and name.startswith(word)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        hint = f"write more of one: {', '.join(begun)}"
        raise UsageError(f"{unknown}; {len(begun)} names begin so", hint=hint)
    raise UsageError(unknown, hint=suggest(word, names, listed))


def suggest(word: str, known: Iterable[str], listed: str = "one of") -> str:
    """What was meant perhaps, and what there is."""
    names = list(dict.fromkeys(known))
    near = nearest(word, names)
    there = f"{listed}: {', '.join(names) or 'none'}"
    return f"did you mean {near!r}? {there}" if near else there


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The name that looks most like the word, if one does."""
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=_ALIKE)
    return names[near[0]] if near else None
