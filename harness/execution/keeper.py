"""Drop the outputs that no plan needs any more; list which steps of a plan are done.

A plan is saved before anybody looks at what it needs, under one lock with the dropping. So whoever
drops knows every plan there is, and no output goes that a plan has seen and still needs.
"""

import logging
import os
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from harness.execution.outcome import Outcome, Status
from harness.files import locked, remove_tree
from harness.layout import RunLayout
from harness.plan.needs import Needs, Todo, droppable, needs_of, todo_of
from harness.plan.plan import BoundStep, Plan
from harness.store.plans import executing, saved_plans
from harness.store.split_record import shard_keys, split_keys
from harness.store.store import Store

_logger = logging.getLogger(__name__)
Execute = Callable[[BoundStep, Event, tuple[str, ...]], Outcome]


@dataclass(slots=True)
class Keeper:
    """Executes a plan's steps so that what nobody needs any more goes."""

    store: Store
    plan: Plan
    keep: bool = False  # the user wants everything of this plan to stay
    notify: Callable[[str], None] = _logger.warning
    needs: Needs = field(init=False)
    _closed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.needs = needs_of(self.plan)

    def registered(self) -> AbstractContextManager[None]:
        """Save the plan: from now on nobody drops what it needs, and gc removes nothing of it."""
        document = self.plan.document() | ({"keep": True} if self.keep else {})
        runs = [planned.id for planned in self.plan.runs]
        return executing(self.store, self.plan.id, document, runs)

    def todo(self) -> Todo:
        """What the plan needs now."""
        return todo_of(self.needs, self.store)

    def is_done(self, step: BoundStep) -> bool:
        """Whether the step need not run; a shard need not if the whole step need not."""
        if self.store.has(step.key, step.outputs):
            return True
        return self.store.recorded(step.whole) and self._is_closed(step.whole)

    def cached(self, step: BoundStep) -> Outcome | None:
        """The end of a step that need not run; None if it has to."""
        return self.done(step) if self.is_done(step) else None

    def done(self, step: BoundStep) -> Outcome:
        """The end of a step that was done before."""
        return Outcome.cached(self.store.record(step.key))

    def _is_closed(self, key: str) -> bool:
        """Whether all is there that is needed of a step. What was closed once stays so."""
        if key not in self._closed:
            self._closed |= self.needs.steps.keys() - self.todo().open
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
        with locked(self.store.layout.plans_lock):
            plans = [plan.needs for plan in saved_plans(self.store.layout)]
            split = split_keys(self.store.layout)
            open_ = [todo_of(needs, self.store).open for needs in plans if split]
            for key in split:
                if not any(key in one for one in open_):
                    self._forget_shards(key)
            for key, path in () if self.keep else sorted(droppable(plans, self.store)):
                self._set_aside(key, self.store.layout.entry(key).out / path)
        remove_dropped(self.store.layout, self.notify)

    def _forget_shards(self, key: str) -> None:
        """Drop the shards of a step that is whole, or that no plan needs any more."""
        shards = shard_keys(self.store.layout, key)
        if all(self._set_aside(one, self.store.layout.entry(one).root) for one in shards):
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


def remove_dropped(layout: RunLayout, notify: Callable[[str], None]) -> None:
    """Remove what was set aside; several may do so at a time."""
    if not layout.dropped.exists():
        return
    for path in layout.dropped.iterdir():
        remove_tree(path, quiet=True)
        if path.exists():
            notify(f"{path} cannot be removed; no step needs it")
