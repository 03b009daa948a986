"""Which plans are being executed: every harness that does so holds a lease of its own."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from harness.files import locked, write_json
from harness.layout import RunLayout
from harness.store.leases import Leases
from harness.store.store import Store


@contextmanager
def present(store: Store, plan: str, document: object) -> Iterator[None]:
    """Write a plan down, and show for as long as this lasts that it is being executed."""
    layout, leases = store.layout, store.leases
    key = layout.presence(plan, uuid.uuid4().hex)
    with ExitStack() as shown:
        shown.callback(layout.lease(key).unlink, missing_ok=True)  # at the very end
        with locked(layout.plans_lock):
            _forget_dead(layout, leases)
            shown.enter_context(leases.try_hold(key))  # nobody else knows this key
            write_json(layout.plan(plan), document, sort_keys=False)
        yield


def present_plans(layout: RunLayout, leases: Leases) -> frozenset[str]:
    """Ids of the plans that are being executed.

    One of another host counts until its files go: nobody here can tell that it is dead.
    """
    return frozenset(plan for plan, key in layout.presences() if leases.is_held(key))


def _forget_dead(layout: RunLayout, leases: Leases) -> None:
    """Remove the files of those who were killed; the caller holds the lock of the plans."""
    for _, key in layout.presences():
        if not leases.is_held(key):
            layout.heartbeat(key).unlink(missing_ok=True)
            layout.lease(key).unlink(missing_ok=True)
