"""Split a step of one file per id by a list into shards, each a step with its own key.

A shard's key is the hash of the whole step's key and of the shard's ids. So the number of shards is
in no key, and a finished shard is found again whenever the same split is asked for.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from harness.manifest.contract import PER_ID
from harness.plan.keys import digest
from harness.plan.plan import BoundStep, Shard
from harness.readers.id_lists import Entry


def lists(step: BoundStep) -> tuple[str, ...]:
    """Templates of the lists of which a shard gets its share: what is split, what outputs name."""
    assert step.shards is not None
    named = [o.contract.ids for o in step.outputs.values() if isinstance(o.contract, PER_ID)]
    return tuple(dict.fromkeys((step.shards.by, *named)))


def split(step: BoundStep, ids: Sequence[str], count: int) -> tuple[BoundStep, ...]:
    """The step's shards, of nearly equal size: at most `count`, the declared most, or one per id.

    Empty where one shard would be the whole step.
    """
    count = min(count, step.shards.max if step.shards else 1, len(ids))
    if count <= 1:
        return ()
    edges = [len(ids) * number // count for number in range(count + 1)]
    return tuple(
        _shard(step, number, count, tuple(ids[edges[number - 1] : edges[number]]))
        for number in range(1, count + 1)
    )


def cut(entries: Iterable[Entry], ids: Sequence[str]) -> str:
    """The lines of a list that name one of `ids`, as they are."""
    wanted = set(ids)
    return "".join(f"{entry.line}\n" for entry in entries if entry.name in wanted)


def _shard(step: BoundStep, number: int, count: int, ids: tuple[str, ...]) -> BoundStep:
    return dataclasses.replace(
        step,
        key=digest({"whole": step.key, "ids": ids}),
        name=f"{step.name} {number}/{count}",
        shard=Shard(whole=step.key, number=number, count=count, ids=ids),
    )
