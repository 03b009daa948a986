"""Drop outputs that no plan needs any more; say which steps of a plan are done.

Every plan is written down before it is looked at, under one lock with the dropping. So whoever
drops knows every plan there is, and nothing that a plan has seen as needed goes while it needs it.
"""

import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from harness.execution.runner import Outcome, Status
from harness.files import locked
from harness.layout import RunLayout
from harness.plan.needs import Needs, droppable, needs_of, read_needs, survey
from harness.plan.plan import BoundStep, Plan
from harness.store.running_plans import present
from harness.store.split_record import part_keys, split_keys
from harness.store.store import Store

_logger = logging.getLogger(__name__)
Execute = Callable[[BoundStep, Event, tuple[str, ...]], Outcome]


@dataclass(frozen=True, slots=True)
class OnDisk:
    """What the store under a `runs/` holds."""

    layout: RunLayout

    def recorded(self, key: str) -> bool:
        """Whether the step was finished once."""
        return self.layout.entry(key).record.exists()

    def there(self, key: str, path: str) -> bool:
        """Whether this path of its outputs is there."""
        return (self.layout.entry(key).out / path).exists()


def open_steps(layout: RunLayout, needs: Needs) -> frozenset[str]:
    """Keys of the plan's steps that are not done: the only place where that is decided."""
    return survey(needs, OnDisk(layout)).open


@dataclass(slots=True)
class Keeper:
    """Executes a plan's steps so that what nobody needs any more goes."""

    store: Store
    plan: Plan
    keep: bool = False  # the user wants everything of this plan to stay
    tell: Callable[[str], None] = _logger.warning
    needs: Needs = field(init=False)
    _closed: set[str] = field(default_factory=set)
    _plans: dict[Path, tuple[int, Needs]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.needs = needs_of(self.plan)

    def registered(self) -> AbstractContextManager[None]:
        """Write the plan down: from now on nothing that it needs is dropped, by whomever.

        While this lasts, gc takes nothing of it either.
        """
        document = self.plan.document() | ({"keep": True} if self.keep else {})
        return present(self.store, self.plan.id, document)

    def is_done(self, step: BoundStep) -> bool:
        """Whether the step need not run: of a part, also if the whole need not."""
        there = self.store.is_done(step.key, step.outputs)
        return there or (self._was_made(step.whole) and self._is_closed(step.whole))

    def _was_made(self, key: str) -> bool:
        return self.store.layout.entry(key).record.exists()

    def _is_closed(self, key: str) -> bool:
        """Whether all is there that is needed of a step. What was closed once stays so."""
        if key not in self._closed:
            todo = open_steps(self.store.layout, self.needs)
            self._closed |= self.needs.steps.keys() - todo
        return key in self._closed

    def sweeping(self, execute: Execute) -> Execute:
        """`execute`, and afterwards drop what nobody needs any more."""

        def execute_and_sweep(step: BoundStep, stop: Event, gpus: tuple[str, ...]) -> Outcome:
            outcome = execute(step, stop, gpus)
            if outcome.status is Status.DONE:
                self.sweep()
            return outcome

        return execute_and_sweep

    def sweep(self) -> None:
        """Drop what no plan needs any more, and what was dropped by somebody who died since."""
        contents = OnDisk(self.store.layout)
        with locked(self.store.layout.plans_lock):
            plans = self._all_plans()
            for key in split_keys(self.store.layout):
                if not any(key in survey(needs, contents).open for needs in plans):
                    self._forget_parts(key)
            for key, path in () if self.keep else sorted(droppable(plans, contents)):
                self._set_aside(key, self.store.layout.entry(key).out / path)
        remove_dropped(self.store.layout, self.tell)

    def _all_plans(self) -> list[Needs]:
        """Every plan under `runs/plans`; read again only if it was written again."""
        found: dict[Path, tuple[int, Needs]] = {}
        for path in self.store.layout.plans.glob("*.json"):
            written = path.stat().st_mtime_ns
            if self._plans.get(path, (0, None))[0] != written:
                self._plans[path] = (written, read_needs(json.loads(path.read_text())))
            found[path] = self._plans[path]
        self._plans = found
        return [needs for _, needs in found.values()]

    def _forget_parts(self, key: str) -> None:
        """Drop the parts of a step that is whole, or that nobody wants any more."""
        parts = part_keys(self.store.layout, key)
        if all(self._set_aside(part, self.store.layout.entry(part).root) for part in parts):
            self.store.layout.shards(key).unlink()

    def _set_aside(self, key: str, path: Path) -> bool:
        """Take a path of the step's out of the store; False if somebody works at the step.

        By one rename, so that a reader sees all of it or nothing.
        """
        dropped = self.store.layout.dropped
        with self.store.leases.try_hold(key) as held:
            if held and path.exists():
                dropped.mkdir(parents=True, exist_ok=True)
                os.rename(path, dropped / uuid.uuid4().hex)
            return held


def remove_dropped(layout: RunLayout, tell: Callable[[str], None]) -> None:
    """Free the space of what was set aside; several may do so at a time."""
    if not layout.dropped.exists():
        return
    for path in layout.dropped.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        if path.exists():
            tell(f"{path} cannot be removed; no step needs it")
