"""Finished step outputs by key: leases, attempts, and publication by one rename."""

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.files import sync, sync_tree
from harness.layout import RunLayout, StepFolder
from harness.manifest.model import Output
from harness.store.leases import Leases


class Store:
    """The store under one `runs/`. Truth is in its files, never in memory."""

    def __init__(self, layout: RunLayout, leases: Leases | None = None) -> None:
        self.layout, self.leases = layout, leases or Leases(layout)

    def record(self, key: str) -> Mapping[str, Any] | None:
        """The step record published under `key`, or None."""
        return self.record_of(self.layout.entry(key))

    @staticmethod
    def record_of(entry: StepFolder) -> Mapping[str, Any] | None:
        """The record of a published step or of a settled attempt, or None."""
        try:
            found: Mapping[str, Any] = json.loads(entry.record.read_text())
        except FileNotFoundError:
            return None
        return found

    def recorded(self, key: str) -> bool:
        """Whether the step was finished once."""
        return self.layout.entry(key).record.exists()

    def there(self, key: str, path: str) -> bool:
        """Whether this path of its outputs is there (still, or again)."""
        return (self.layout.entry(key).out / path).exists()

    def has(self, key: str, outputs: Mapping[str, Output]) -> bool:
        """Whether the step was finished once and every declared output is there."""
        return self.recorded(key) and all(self.there(key, one.path) for one in outputs.values())

    def is_whole(self, entry: StepFolder, outputs: Mapping[str, Output]) -> bool:
        """Whether all outputs are there and as large as recorded."""
        there = all((entry.out / output.path).exists() for output in outputs.values())
        return there and self.damage(entry, outputs) is None

    def damage(self, entry: StepFolder, outputs: Mapping[str, Output]) -> str | None:
        """Which output that is there differs in files or bytes from its record; None if none."""
        recorded = (self.record_of(entry) or {}).get("outputs", {})
        for name, output in outputs.items():
            path = entry.out / output.path
            if not path.exists() or name not in recorded:
                continue
            files, size = measure(path)
            expected = (recorded[name]["files"], recorded[name]["bytes"])
            if (files, size) != expected:
                return (
                    f"{path}: recorded with {expected[0]} files of {expected[1]} bytes, "
                    f"found {files} of {size}"
                )
        return None

    def attempt(self, key: str) -> StepFolder:
        """A fresh attempt at `key`. Call it under the key's lease."""
        attempt = self.layout.attempt(f"{key[:16]}-{uuid.uuid4().hex[:12]}")
        attempt.out.mkdir(parents=True)
        attempt.work.mkdir()
        return attempt

    def attempts(self, key: str) -> list[StepFolder]:
        """Every attempt at `key`, settled or not."""
        # Not a glob: a plan asks this of thousands of steps, and a pattern costs more than a list.
        folder = self.layout.attempts
        every = folder.iterdir() if folder.exists() else ()
        return [StepFolder(path) for path in sorted(every) if path.name.startswith(f"{key[:16]}-")]

    def drop(self, attempt: StepFolder) -> None:
        """Remove an attempt. Call it under the key's lease."""
        shutil.rmtree(attempt.root, ignore_errors=True)

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
        entry = self.layout.entry(key).root
        aside = self.layout.quarantine / f"{key}-{uuid.uuid4().hex[:8]}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        os.rename(entry, aside)
        return aside

    def evict_unrecorded(self, key: str) -> None:
        """Remove an entry that lost its record: its content is unknown."""
        entry = self.layout.entry(key)
        if entry.root.exists() and not entry.record.exists():
            shutil.rmtree(self.quarantine(key))


def measure(path: Path) -> tuple[int, int]:
    """Files and bytes of a file or folder, as records count them."""
    states = snapshot([path]).values()
    return len(states), sum(size for size, _ in states)


def snapshot(paths: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Size and mtime of every file below `paths`: to see whether a step changed its inputs."""
    found: dict[str, tuple[int, int]] = {}
    for path in paths:
        files = [path] if path.is_file() else (p for p in path.rglob("*") if p.is_file())
        for file in files:
            state = file.stat()
            found[str(file)] = (state.st_size, state.st_mtime_ns)
    return found
