"""Garbage: what executions wrote and nobody needs; by reference, never by age or by a broad name.

A key is *wanted* if the newest plan of a run, or any plan that is being executed, has a step of
that key, or if such a step reads from it. A key whose lease is held is never garbage.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from harness.files import locked, remove_tree
from harness.layout import RunLayout, StepFolder
from harness.manifest.model import RuntimeName
from harness.runtimes.runtime import Runtime, Survivor
from harness.store.intent import execution_name, read_intent
from harness.store.plans import damaged_plans, executed_plans, saved_plans, unchanged_while
from harness.store.split_record import shard_keys, split_keys
from harness.store.store import Store, beginning


@dataclass(frozen=True, slots=True)
class Garbage:
    """One thing that can go."""

    kind: str  # container, attempt, quarantine, dropped, plan, store, checkout, venv, image
    name: str
    size: int | None  # bytes, None if unknown
    why: str
    remove: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Executions:
    """What engines still run or hold, and the engines that answered."""

    runtimes: Mapping[RuntimeName, Runtime]
    by_name: Mapping[str, tuple[Runtime, Survivor]]


def wanted_keys(store: Store, submitted: frozenset[str] = frozenset()) -> frozenset[str]:
    """Keys that plans want, shards of steps included; `submitted` plans are being executed too."""
    layout = store.layout
    executed = executed_plans(layout, store.leases) | submitted
    found = _wanted_steps(layout, executed, unchanged_while(layout))
    split = found.intersection(split_keys(layout))
    return found.union(*(shard_keys(layout, key) for key in split))


@lru_cache(1)  # it is asked again before every entry that goes
def _wanted_steps(
    layout: RunLayout, executed: frozenset[str], plans: frozenset[tuple[str, int, int, int]]
) -> frozenset[str]:
    """Keys of the steps that the newest plans of runs, and the plans being executed, want."""
    del plans  # they make plans that are as they were known
    newest: dict[tuple[str, str], str] = {}
    waiting: set[str] = set()
    parents: dict[str, set[str]] = {}
    for plan in saved_plans(layout):
        for run in plan.runs:
            newest |= {(run.id, name): key for name, key in run.steps.items()}
        for key, node in plan.needs.steps.items():
            parents[key] = {parent for parent, _ in node.reads}
        if plan.id in executed:
            waiting |= plan.steps.keys()
    found: set[str] = set()
    waiting |= set(newest.values())
    while waiting:
        found |= waiting
        waiting = {parent for key in waiting for parent in parents[key]} - found
    return frozenset(found)


def find_garbage(
    store: Store,
    executions: Executions,
    *,
    with_store: bool,
    submitted: frozenset[str] = frozenset(),
) -> Iterator[Garbage]:
    """Containers, attempts, what was set aside; with `with_store` also finished steps.

    `submitted` are plans that a cluster executes.
    """
    wanted = wanted_keys(store, submitted)
    orphans = list(_orphans(store, executions, wanted))
    yield from orphans
    yield from _dead_attempts(store, executions, wanted, {orphan.name for orphan in orphans})
    for path in _folders(store.layout.quarantine):
        yield Garbage("quarantine", path.name, size_of(path), "damaged", _removal(path))
    for path in _within(
        store.layout.dropped
    ):  # somebody died between taking it out and removing it
        yield Garbage("dropped", path.name, size_of(path), "no plan needs it", _removal(path))
    damaged = damaged_plans(store.layout)
    for path in damaged:
        yield Garbage("plan", path.name, size_of(path), "damaged", _removal(path))
    if with_store and not damaged:  # what a damaged plan wants is unknown
        yield from _unwanted_entries(store, wanted, submitted)


def size_of(path: Path) -> int:
    """Bytes of a file or of all files below a folder; what cannot be read counts nothing."""
    if path.is_file():
        return path.lstat().st_size
    total, waiting = 0, [str(path)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _orphans(store: Store, executions: Executions, wanted: frozenset[str]) -> Iterator[Garbage]:
    for name, (runtime, survivor) in executions.by_name.items():
        key = survivor.labels["harness.key"]
        why = _why_unwanted(store, survivor, key, wanted)
        if why is not None and not store.leases.is_held(key):
            state = "running" if survivor.running else "ended"
            remove = _under_lease(store, key, partial(runtime.discard, name))
            yield Garbage("container", name, None, f"{state}; {why}", remove)


def _why_unwanted(store: Store, survivor: Survivor, key: str, wanted: frozenset[str]) -> str | None:
    attempt = store.layout.attempt(survivor.name.removeprefix("harness-"))
    record = store.record_of(attempt)
    if store.recorded(key):
        return "its step is finished"
    if key not in wanted:
        return "no plan wants its step"
    if not attempt.root.exists():
        return "its attempt is gone"
    return "its end was read" if record is not None else None


def _dead_attempts(
    store: Store, executions: Executions, wanted: frozenset[str], orphans: set[str]
) -> Iterator[Garbage]:
    newest: dict[str, StepFolder] = {}
    folders = sorted(_folders(store.layout.attempts), key=lambda path: path.stat().st_mtime_ns)
    keys = _leased_keys(store)
    attempts = [
        (key, StepFolder(path))
        for path in folders
        if (key := keys.get(path.name.partition("-")[0]))
    ]
    newest |= {key: attempt for key, attempt in attempts if (store.record_of(attempt) is not None)}
    for key, attempt in attempts:
        name = execution_name(attempt.root)
        alive = name in executions.by_name and name not in orphans
        if alive or store.leases.is_held(key):
            continue
        why = _why_dead(store, executions, attempt, key, wanted)
        if why is None and (store.record_of(attempt) is not None) and newest[key] is not attempt:
            why = "a newer attempt was recorded"
        if why is not None:
            remove = _under_lease(store, key, _removal(attempt.root))
            yield Garbage("attempt", attempt.root.name, size_of(attempt.root), why, remove)


def _why_dead(
    store: Store, executions: Executions, attempt: StepFolder, key: str, wanted: frozenset[str]
) -> str | None:
    record = store.record_of(attempt)
    if record is None:
        intent = read_intent(attempt)
        if intent is None or intent.runtime == RuntimeName.PROCESS:
            return "its process is gone"
        known = intent.runtime in executions.runtimes
        here = intent.owner.is_on_machine_of(store.leases.owner)
        return "its container is gone" if known and here else None
    if record["status"] == "discarded":
        return "another host published its step"
    if store.recorded(key):
        return "its step is finished"
    return None if key in wanted else "no plan wants its step"


def _unwanted_entries(
    store: Store, wanted: frozenset[str], submitted: frozenset[str]
) -> Iterator[Garbage]:
    for path in (path for folder in _folders(store.layout.store) for path in _folders(folder)):
        key = path.name
        if key not in wanted and not store.leases.is_held(key):
            remove = _under_lease(store, key, partial(_drop_entry, store, key, submitted))
            yield Garbage("store", key, size_of(path), "no plan wants its step", remove)


def _drop_entry(store: Store, key: str, submitted: frozenset[str]) -> None:
    """Out of the store by one rename; not if a plan that wants it came meanwhile."""
    with locked(store.layout.plans_lock):
        if key in wanted_keys(store, submitted):
            return
        aside = store.quarantine(key)
    remove_tree(aside)


def _leased_keys(store: Store) -> dict[str, str]:
    """The whole key by its beginning: names of lease files hold it, those of attempts do not."""
    leases = store.layout.lease("*")
    return {beginning(path.stem): path.stem for path in leases.parent.glob(leases.name)}


def _under_lease(store: Store, key: str, act: Callable[[], None]) -> Callable[[], None]:
    """`act` under the key's lease; nothing if somebody began to work at it."""

    def act_alone() -> None:
        with store.leases.try_hold(key) as held:
            if held:
                act()

    return act_alone


def _removal(path: Path) -> Callable[[], None]:
    return partial(remove_tree, path)


def _folders(root: Path) -> Sequence[Path]:
    return [path for path in _within(root) if path.is_dir()]


def _within(root: Path) -> Sequence[Path]:
    return sorted(root.iterdir()) if root.is_dir() else ()
