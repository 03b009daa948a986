"""Plans under `runs/plans`: saved when they are executed, read by everybody who asks for them.

Every harness that executes a plan holds a lease of its own on it. So others see which plans are
being executed, also after a kill.
"""

import logging
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from harness.errors import MismatchError, UsageError
from harness.files import DamagedFile, locked, read_sealed, sealed, sync, write_if_changed
from harness.layout import RunLayout
from harness.manifest.model import RuntimeName
from harness.plan.needs import Needs, read_needs
from harness.plan.plan import BoundStep, Plan, read_plan, read_step
from harness.store.leases import Leases
from harness.store.numbers import number_runs, run_numbers
from harness.store.store import Store

_KEPT_IN_MEMORY = 256
_MOST_NAMED = 3  # plans in a hint
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run of a saved plan."""

    id: str
    asked: Mapping[str, Any]  # method, backbone, losses, seed, ..., as JSON holds them
    runtime: RuntimeName
    steps: Mapping[str, str]  # name -> key


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was executed."""

    id: str
    runs: tuple[SavedRun, ...]
    steps: Mapping[str, Mapping[str, Any]]  # key -> the step as JSON holds it
    needs: Needs

    def step(self, key: str) -> BoundStep:
        """One of its steps."""
        return read_step(self.steps[key])


def saved_plans(layout: RunLayout) -> list[SavedPlan]:
    """Every plan, the newest at the end; a damaged one is named in a warning and left out.

    A file is parsed again only if it has changed.
    """
    found = []
    for path, state in _files(layout):
        try:
            found.append((state.st_mtime_ns, _read(path, state.st_mtime_ns, state.st_size)))
        except DamagedFile as error:
            _warn(str(error))
    return [plan for _, plan in sorted(found, key=lambda one: one[0])]


def damaged_plans(layout: RunLayout) -> list[Path]:
    """Files of plans that cannot be read."""
    found = []
    for path, state in _files(layout):
        try:
            _read(path, state.st_mtime_ns, state.st_size)
        except DamagedFile:
            found.append(path)
    return found


def unchanged_while(layout: RunLayout) -> frozenset[tuple[str, int, int, int]]:
    """Name, inode, time and size of every plan's file: equal as long as no plan changed."""
    return frozenset(
        (path.name, state.st_ino, state.st_mtime_ns, state.st_size)
        for path, state in _files(layout)
    )


def _files(layout: RunLayout) -> Iterator[tuple[Path, os.stat_result]]:
    for path in layout.plans.glob("*.json"):
        with suppress(FileNotFoundError):  # removed meanwhile
            yield path, path.stat()


@cache
def _warn(text: str) -> None:
    """Say it once in a process."""
    _logger.warning("%s; it is left out (`harness gc` removes it)", text)


def plan_of(layout: RunLayout, key: str) -> SavedPlan:
    """The newest plan that has a step of this key. Raises UsageError without one."""
    for plan in reversed(saved_plans(layout)):
        if key in plan.steps:
            return plan
    raise UsageError(f"no plan under {layout.plans} has the step {key}", hint="plan it again")


@contextmanager
def executing(
    store: Store, plan: str, document: Mapping[str, Any], runs: Iterable[str] = ()
) -> Iterator[None]:
    """Save a plan, number its runs, and show for as long as this lasts that it is executed."""
    layout, leases = store.layout, store.leases
    key = layout.presence(plan, uuid.uuid4().hex)
    with ExitStack() as shown:
        shown.callback(layout.lease(key).unlink, missing_ok=True)  # at the very end
        with locked(layout.plans_lock):
            _forget_dead(layout, leases)
            shown.enter_context(leases.try_hold(key))  # nobody else knows this key
            unnumbered = [] if run_numbers(layout) else saved_plans(layout)
            _save(layout.plan(plan), document)
            number_runs(layout, [*(run.id for one in unnumbered for run in one.runs), *runs])
        yield


def _save(file: Path, document: Mapping[str, Any]) -> None:
    """Write a plan; one that is there as it is to be becomes the newest."""
    # Not sorted: parents come before children.
    write_if_changed(file, sealed(document, sort_keys=False, in_lines=False))
    os.utime(file)
    sync(file.parent)  # whoever wrote it may have died before


@contextmanager
def attending(store: Store, plan: str) -> Iterator[None]:
    """Show for as long as this lasts that a saved plan is being executed."""
    layout, leases = store.layout, store.leases
    key = layout.presence(plan, uuid.uuid4().hex)
    with ExitStack() as shown:
        shown.callback(layout.lease(key).unlink, missing_ok=True)  # at the very end
        with locked(layout.plans_lock):
            _forget_dead(layout, leases)
            shown.enter_context(leases.try_hold(key))  # nobody else knows this key
        yield


def read_saved(layout: RunLayout, name: str) -> tuple[Plan, bool]:
    """A saved plan by its id, or the beginning of it, whole; and whether all of it is kept.

    Raises UsageError unless there is exactly one, MismatchError if it is damaged.
    """
    found = sorted(path.stem for path in layout.plans.glob("*.json"))
    fitting = [one for one in found if name and one.startswith(name)]
    if len(fitting) != 1:
        what = "is the beginning of several plans" if fitting else "is no plan"
        known = ", ".join(fitting or found[:_MOST_NAMED]) or "none"
        raise UsageError(f"{name!r} {what} under {layout.plans}", hint=f"there are: {known}")
    try:
        document: Any = read_sealed(layout.plan(fitting[0]))
        return read_plan(document), bool(document.get("keep", False))
    except (DamagedFile, TypeError, KeyError, AttributeError, ValueError) as error:
        raise MismatchError(
            f"plan {fitting[0]} cannot be read: {error}", hint="plan it again by `reproduce`"
        ) from error


def executed_plans(layout: RunLayout, leases: Leases) -> frozenset[str]:
    """Ids of the plans that are being executed.

    One of another host counts until its files go: whoever executes a plan removes those that have
    stood for long.
    """
    return frozenset(plan for plan, key in layout.presences() if leases.is_held(key))


def _forget_dead(layout: RunLayout, leases: Leases) -> None:
    """Remove the files of those who were killed; the caller holds the lock of the plans.

    Somebody of another host who lives after all shows again with the next heartbeat.
    """
    for _, key in layout.presences():
        if not leases.is_held(key) or leases.is_stale(key):
            layout.heartbeat(key).unlink(missing_ok=True)
            layout.lease(key).unlink(missing_ok=True)


@lru_cache(_KEPT_IN_MEMORY)
def _read(path: Path, written_ns: int, size: int) -> SavedPlan:
    del written_ns, size  # they make an unchanged file known
    document: Any = read_sealed(path)
    try:
        runs = tuple(
            SavedRun(one["id"], one["run"], RuntimeName(one["run"]["runtime"]), one["steps"])
            for one in document["runs"]
        )
        return SavedPlan(path.stem, runs, document["steps"], read_needs(document))
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise DamagedFile(f"{path} is no plan ({type(error).__name__}: {error})") from error
