"""What runs at a key now, whoever started it: as its attempt on disk says."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from harness.store.intent import read_intent
from harness.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """An attempt that has started and is not settled."""

    started: dt.datetime  # by whichever harness; one that follows it goes on from there
    log: Path
    gpus: tuple[str, ...]  # UUIDs


def under_way(store: Store, key: str) -> UnderWay | None:
    """The newest such attempt at a step; None if none has started."""
    attempts = [one for one in store.attempts(key) if not one.record.exists()]
    found = [
        UnderWay(
            started=dt.datetime.fromisoformat(intent.started), log=attempt.log, gpus=intent.gpus
        )
        for attempt in attempts
        if (intent := read_intent(attempt)) is not None
    ]
    return max(found, key=lambda one: one.started, default=None)
