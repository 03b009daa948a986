"""Find what `--data` missed: a folder named too deep, too high, or under another name."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from harness.assets import declared
from harness.contracts.voc import is_voc
from harness.manifest.catalogue import Asset
from harness.manifest.contract import Voc

_UP, _DOWN = 2, 3  # folders above and below the one named
_MOST = 2000  # entries looked at in all
_WIDEST = 500  # entries of one folder; a folder with more holds data, not data sets


@dataclass(frozen=True)
class Nearby:
    """The surroundings of the folder that `--data` names; looked at once, and only if needed."""

    data: Path

    def hint(self, name: str, asset: Asset) -> str:
        """What to say instead, if the asset lies near; else ""."""
        if not self.data.is_dir():
            what = "is a file" if self.data.exists() else "does not exist"
            return f"--data {self.data} {what}: name a folder"
        there = Path.is_dir if declared.is_folder(asset) else Path.is_file
        for folder in self._folders:
            for place in (name, *asset.places):
                if there(folder / place):
                    return f"{folder / place} is there: say --data {folder}"
        if isinstance(asset.contract, Voc):
            for folder in self._folders:
                if is_voc(asset.contract, folder):
                    return f"{folder} looks like it: say `harness assets add {name} {folder}`"
        return ""

    @cached_property
    def _folders(self) -> tuple[Path, ...]:
        """The folder itself, those above it, and those below it, the nearest first."""
        return (self.data, *list(self.data.parents)[:_UP], *self._below())

    def _below(self) -> Iterator[Path]:
        left, level = _MOST, [self.data]
        for _ in range(_DOWN):
            below = []
            for folder in level:
                entries = _entries(folder, min(left, _WIDEST))
                left -= len(entries)
                below += sorted(Path(entry.path) for entry in entries if _is_folder(entry))
            yield from below
            level = below


def _entries(folder: Path, most: int) -> list["os.DirEntry[str]"]:
    """Up to `most` entries; none of a folder that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, most))
    except OSError:
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir() and not entry.name.startswith(".")
    except OSError:
        return False
