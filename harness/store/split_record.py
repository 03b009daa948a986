"""`runs/shards/<key>.json`: into which shards a step was split."""

from collections.abc import Sequence

from harness.files import DamagedFile, read_sealed, write_sealed
from harness.layout import RunLayout


def splits(layout: RunLayout, key: str) -> list[tuple[str, ...]]:
    """The splits of a step so far, oldest first, each as the keys of its shards."""
    try:
        found = read_sealed(layout.shards(key))
        return [tuple(keys) for keys in found["splits"]] if found else []
    except (DamagedFile, TypeError, KeyError):  # the step is split, or executed, anew
        return []


def split_keys(layout: RunLayout) -> list[str]:
    """Keys of the steps that were split and whose shards are still kept."""
    return [path.stem for path in layout.all_shards.glob("*.json")]


def shard_keys(layout: RunLayout, key: str) -> frozenset[str]:
    """Keys of all shards of a step, of every split."""
    return frozenset(shard for keys in splits(layout, key) for shard in keys)


def note_split(layout: RunLayout, key: str, shards: Sequence[str]) -> None:
    """Write a split down; it is the newest from now on."""
    others = [keys for keys in splits(layout, key) if keys != tuple(shards)]
    write_sealed(layout.shards(key), {"splits": [*others, list(shards)]})
