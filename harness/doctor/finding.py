"""What a check finds missing or doubtful, how to fix it, and the error that lists all of it."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import NotReadyError

_WIDTH = 79


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is missing or doubtful, with the ways to fix it."""

    name: str  # of the check, or of the asset
    what: str  # what was found where, and what was expected
    steps: tuple[str, ...] = ()  # what to do, in this order
    command: str = ""  # to paste once the steps are done
    instead: tuple[str, ...] = ()  # other ways, each of which will do

    @property
    def remedy(self) -> tuple[str, ...]:
        """Everything to do, in order: the steps, then the command."""
        return (*self.steps, *([self.command] if self.command else []))

    def lines(self) -> Iterator[str]:
        """The finding for people: what it is, numbered steps if there are several, other ways."""
        yield from _wrapped("- ", f"{self.name}: {self.what}")
        several = len(self.remedy) > 1
        for number, step in enumerate(self.remedy, start=1):
            lead = f"    {number}. " if several else "    "
            yield from [lead + step] if step == self.command else _wrapped(lead, step)
        for way in self.instead:
            yield from _wrapped("    or ", way)

    def document(self) -> dict[str, Any]:
        """The finding for machines."""
        return {
            "name": self.name,
            "what": self.what,
            "remedy": list(self.remedy),
            "command": self.command,
            "instead": list(self.instead),
        }


class Unready(NotReadyError):  # noqa: N818 - a state, not an error
    """Something is missing without which the command would fail: `missing` lists everything.

    `asked` holds options with which `doctor` is asked the same.
    """

    def __init__(
        self, missing: Sequence[Finding], *, hint: str, asked: Mapping[str, str] | None = None
    ) -> None:
        super().__init__("\n".join([heading(missing), *told(missing)]), hint=hint)
        self.missing = tuple(missing)
        self.asked = dict(asked or {})


def told(findings: Sequence[Finding]) -> list[str]:
    """All findings for people, line by line."""
    return [line for one in findings for line in one.lines()]


def heading(missing: Sequence[Finding]) -> str:
    """How many things are missing."""
    if not missing:
        return "nothing is missing"
    return "1 thing is missing:" if len(missing) == 1 else f"{len(missing)} things are missing:"


def _wrapped(lead: str, text: str) -> list[str]:
    """The text behind `lead`, in lines that break no word, so that addresses can be copied."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )
