"""Finished step outputs by key: leases, attempts, and publication by one rename."""

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.core.layout import EntryLayout, RunLayout
from harness.core.model import Output
from harness.engine.leases import Leases


class Store:
    """The store under one `runs/`. Truth is in its files, never in memory."""

    def __init__(self, layout: RunLayout, leases: Leases | None = None) -> None:
        self.layout, self.leases = layout, leases or Leases(layout)

    def record(self, key: str) -> Mapping[str, Any] | None:
        """The step record published under `key`, or None."""
        try:
            found: Mapping[str, Any] = json.loads(self.layout.entry(key).record.read_text())
        except FileNotFoundError:
            return None
        return found

    def is_done(self, key: str, outputs: Mapping[str, Output]) -> bool:
        """Whether a record stands under `key` and every declared output exists."""
        entry = self.layout.entry(key)
        return entry.record.exists() and all(
            (entry.out / o.path).exists() for o in outputs.values()
        )

    def attempt(self, key: str) -> EntryLayout:
        """A fresh attempt at `key`; dead ones of the same key that left no record are removed.

        Call it under the key's lease: whoever else made an attempt at this key is gone.
        """
        for old in self.layout.attempts.glob(f"{key[:16]}-*"):
            if not EntryLayout(old).record.exists():
                shutil.rmtree(old, ignore_errors=True)
        attempt = self.layout.attempt(f"{key[:16]}-{uuid.uuid4().hex[:12]}")
        attempt.out.mkdir(parents=True)
        attempt.work.mkdir()
        return attempt

    def publish(self, attempt: EntryLayout, key: str) -> bool:
        """Sync and rename `attempt` to its key; if the key is there already, drop it: False."""
        target = self.layout.entry(key).root
        target.parent.mkdir(parents=True, exist_ok=True)
        sync_tree(attempt.root)
        try:
            os.rename(attempt.root, target)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            shutil.rmtree(attempt.root)
            return False
        _sync(target.parent)
        return True

    def quarantine(self, key: str) -> Path:
        """Move a damaged entry aside, so that its key is made again."""
        entry = self.layout.entry(key).root
        aside = self.layout.quarantine / f"{key}-{uuid.uuid4().hex[:8]}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        os.rename(entry, aside)
        return aside

    def evict_incomplete(self, key: str) -> None:
        """Move aside an entry whose outputs are no longer all there, before it is made again."""
        if self.layout.entry(key).root.exists():
            shutil.rmtree(self.quarantine(key))


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader sees the old or the new file, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def sync_tree(root: Path) -> None:
    """Flush every file and folder below `root` to disk."""
    for folder, _, files in os.walk(root, topdown=False):
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                _sync(path)
        _sync(Path(folder))


def snapshot(paths: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Size and mtime of every file below `paths`: to see whether a step changed its inputs."""
    found: dict[str, tuple[int, int]] = {}
    for path in paths:
        files = [path] if path.is_file() else (p for p in path.rglob("*") if p.is_file())
        for file in files:
            state = file.stat()
            found[str(file)] = (state.st_size, state.st_mtime_ns)
    return found


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
