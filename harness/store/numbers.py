"""Short numbers of runs: a run gets one when it is first executed, and no other run ever gets it.

They are places in one list that only grows, so neither gc nor another plan changes them.
"""

import logging
from collections.abc import Iterable, Mapping
from functools import cache

from harness.files import DamagedFile, read_sealed, write_sealed
from harness.layout import RunLayout
from harness.store.store import set_aside

_logger = logging.getLogger(__name__)


def run_numbers(layout: RunLayout) -> Mapping[str, int]:
    """The number of every run by its name; none, with a warning, if the list is damaged."""
    try:
        return _read(layout)
    except DamagedFile as error:
        _warn(f"{error}: runs have no numbers; the next `reproduce` numbers them anew")
        return {}


def run_numbered(layout: RunLayout, word: str) -> str | None:
    """The name of the run whose number `word` is; None if it is no number of a run."""
    if not (word.isascii() and word.isdecimal()):
        return None
    return next((run for run, number in run_numbers(layout).items() if number == int(word)), None)


def number_runs(layout: RunLayout, runs: Iterable[str]) -> None:
    """Give numbers to those that have none, in this order; the caller holds the plans' lock."""
    try:
        known = list(_read(layout))
    except DamagedFile as error:
        _warn(f"{error}: moved to {set_aside(layout, layout.numbers)}; runs have new numbers")
        known = []
    every = list(dict.fromkeys([*known, *runs]))
    if every != known:
        write_sealed(layout.numbers, {"runs": every})


def _read(layout: RunLayout) -> dict[str, int]:
    found = read_sealed(layout.numbers)
    if found is None:
        return {}
    runs = found.get("runs")
    if not isinstance(runs, list):
        raise DamagedFile(f"{layout.numbers} is no list of runs")
    return {run: number for number, run in enumerate(runs, 1)}


@cache
def _warn(text: str) -> None:
    """Say it once in a process."""
    _logger.warning("%s", text)
