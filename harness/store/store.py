"""Finished step outputs by key: leases, attempts, and publication by one rename."""

import errno
import os
import stat
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.files import DamagedFile, remove_tree, sync, sync_tree
from harness.layout import RunLayout, StepFolder
from harness.manifest.model import Output
from harness.store.leases import Leases
from harness.store.records import read_record

#: What the kernel answers about a link to nothing, to itself, or through what is no folder.
_LEADS_NOWHERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Store:
    """The store under one `runs/`. Truth is in its files, never in memory."""

    def __init__(self, layout: RunLayout, leases: Leases | None = None) -> None:
        self.layout, self.leases = layout, leases or Leases(layout)

    def record(self, key: str) -> Mapping[str, Any] | None:
        """The step record published under `key`; None if absent, damaged or of another key."""
        record = self.record_of(self.layout.entry(key))
        return record if record and record["identity"]["key"] == key else None

    @staticmethod
    def record_of(entry: StepFolder) -> Mapping[str, Any] | None:
        """The record of a published step or of a settled attempt; None if absent or damaged."""
        try:
            return read_record(entry.record)
        except DamagedFile:
            return None

    def recorded(self, key: str) -> bool:
        """Whether the step was finished once, and its record is as it was written."""
        return self.record(key) is not None

    def there(self, key: str, path: str) -> bool:
        """Whether this path of its outputs is there (still, or again)."""
        return (self.layout.entry(key).out / path).exists()

    def has(self, key: str, outputs: Mapping[str, Output]) -> bool:
        """Whether the step was finished once and every declared output is there."""
        return self.recorded(key) and all(self.there(key, one.path) for one in outputs.values())

    def attempt(self, key: str) -> StepFolder:
        """A fresh attempt at `key`. Call it under the key's lease."""
        attempt = self.layout.attempt(f"{beginning(key)}-{uuid.uuid4().hex[:12]}")
        attempt.out.mkdir(parents=True)
        attempt.work.mkdir()
        return attempt

    def attempts(self, key: str) -> list[StepFolder]:
        """Every attempt at `key`, settled or not."""
        return self.every_attempt().get(beginning(key), [])

    def every_attempt(self) -> dict[str, list[StepFolder]]:
        """Every attempt, settled or not, by the `beginning` of its key.

        Who asks for many steps asks this once: each answer lists the whole folder.
        """
        folder = self.layout.attempts
        found: dict[str, list[StepFolder]] = {}
        names = (path.name for path in folder.iterdir()) if folder.exists() else ()
        for name in sorted(names):  # not paths, which compare ten times as slowly
            found.setdefault(name.partition("-")[0], []).append(StepFolder(folder / name))
        return found

    def drop(self, attempt: StepFolder) -> None:
        """Remove an attempt. Call it under the key's lease."""
        remove_tree(attempt.root, quiet=True)

    def publish(self, attempt: StepFolder, key: str) -> bool:
        """Sync and rename `attempt` to its key; False, and nothing done, if the key is there."""
        target = self.layout.entry(key).root
        target.parent.mkdir(parents=True, exist_ok=True)
        sync_tree(attempt.root)
        try:
            os.rename(attempt.root, target)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            return False
        sync(target.parent)
        return True

    def quarantine(self, key: str) -> Path:
        """Move a damaged entry aside, so that its key is made again."""
        return set_aside(self.layout, self.layout.entry(key).root)

    def evict_unrecorded(self, key: str) -> Path | None:
        """Move an entry without a readable record aside: its content is unknown."""
        return self.quarantine(key) if self.unrecorded(key) else None

    def unrecorded(self, key: str) -> bool:
        """Whether there is an entry whose record was lost or damaged."""
        return self.layout.entry(key).root.exists() and not self.recorded(key)


def beginning(key: str) -> str:
    """The first digits of a key: what the names of its attempts begin with."""
    return key[:16]


def set_aside(layout: RunLayout, path: Path) -> Path:
    """Move a damaged file or folder to quarantine, under a name of its own."""
    aside = layout.quarantine / f"{path.name}-{uuid.uuid4().hex[:8]}"
    aside.parent.mkdir(parents=True, exist_ok=True)
    os.rename(path, aside)
    return aside


def snapshot(paths: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Size and mtime of every file below `paths`: to see whether a step changed its inputs.

    Links are followed to files, not to folders; what leads nowhere is left out.
    """
    found: dict[str, tuple[int, int]] = {}
    for place in (place for path in paths for place in _places(path)):
        state = _state(place)
        if state is not None and stat.S_ISREG(state.st_mode):
            found[place] = (state.st_size, state.st_mtime_ns)
    return found


def _places(path: Path) -> Iterator[str]:
    """The path itself, and all that is no folder below it."""
    yield str(path)
    for folder, _, names in os.walk(path):
        yield from (f"{folder}/{name}" for name in names)


def _state(place: str) -> os.stat_result | None:
    try:
        # Not Path.stat: every step that reads VOC asks this twice of its 40,000 files.
        return os.stat(place)  # noqa: PTH116
    except OSError as error:
        if error.errno not in _LEADS_NOWHERE:
            raise
    return None
