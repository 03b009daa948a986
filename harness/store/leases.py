"""Leases: who may work at a key. The kernel speaks for this machine, a heartbeat for the others.

A lease is a file lock, which the kernel frees when its holder dies, however it dies. Beside it the
holder keeps a heartbeat: its identity and a counter that it raises every few seconds. File locks
may not reach across hosts. So whoever gets the lock looks at the heartbeat: one of this host is
dead, because its lock was free; one of another host counts until its *counter* has stood still for
`limit` seconds on the observer's own monotonic clock. No wall clock takes part.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Event, Thread

from harness.errors import Interrupted
from harness.files import is_locked, lock_now, open_lock, write_json
from harness.layout import RunLayout
from harness.store.owner import Owner, read_owner, this_process

#: How long the heartbeat of a lost host stands still before its lease is taken over.
LOST_AFTER_SECONDS = 300.0
_logger = logging.getLogger(__name__)
_POLL_SECONDS = 0.1
_BEAT_SECONDS = 5.0
_LOST = -1  # the counter of a heartbeat that cannot be read


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A holder's last heartbeat."""

    owner: Owner
    counter: int


class Leases:
    """The leases under one `runs/`, as one process takes and sees them."""

    def __init__(
        self,
        layout: RunLayout,
        *,
        owner: Owner | None = None,
        beat: float = _BEAT_SECONDS,
        limit: float = LOST_AFTER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._layout, self.owner = layout, owner or this_process()
        self._beat, self._limit, self._clock = beat, limit, clock

    @contextmanager
    def hold(self, key: str, stop: Event) -> Iterator[None]:
        """Hold `key` alone; waits for another holder. Raises Interrupted once `stop` is set."""
        with self._opened(key) as lock:
            still = _Stillness(self.owner, self._limit, self._clock)
            while not (lock_now(lock) and still.is_free(self.heartbeat(key))):
                if stop.wait(_POLL_SECONDS):
                    raise Interrupted(
                        f"stopped while waiting for step {key[:12]}, at which "
                        f"{self.holder(key) or 'another harness'} works",
                        hint="run the same command again to go on",
                    )
            with self._beating(key):
                yield

    @contextmanager
    def try_hold(self, key: str) -> Iterator[bool]:
        """Hold `key` if nobody does, another host included; whether it is held."""
        with self._opened(key) as lock:
            beat = self.heartbeat(key)
            free = lock_now(lock) and (beat is None or beat.owner.host == self.owner.host)
            if not free:
                yield False
                return
            with self._beating(key):
                yield True

    def holder(self, key: str) -> Owner | None:
        """Who works at `key` now. Another host that died counts until somebody takes its lease."""
        beat = self.heartbeat(key)
        if beat is None or beat.owner.host != self.owner.host:
            return beat.owner if beat else None
        return beat.owner if self.is_held(key) else None

    def is_held(self, key: str) -> bool:
        """Whether somebody works at `key` now."""
        beat = self.heartbeat(key)
        if beat is not None and beat.owner.host != self.owner.host:
            return True
        return is_locked(self._layout.lease(key))

    def is_stale(self, key: str) -> bool:
        """Whether a heartbeat of another host, or one that cannot be read, has stood for long.

        It is for leases whose files a living holder writes anew with its next heartbeat. Both
        times are the file system's, so that no clock of a host takes part.
        """
        lock, beat = self._layout.lease(key), self._layout.heartbeat(key)
        if is_locked(lock):
            return False
        lock.touch()
        try:
            return lock.stat().st_mtime - beat.stat().st_mtime >= self._limit
        except FileNotFoundError:
            return False

    def heartbeat(self, key: str) -> Heartbeat | None:
        """The content of the heartbeat file; None if nobody claims the key."""
        try:
            found = json.loads(self._layout.heartbeat(key).read_text())
            return Heartbeat(read_owner(found["owner"]), found["counter"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            # Somebody's, and perhaps alive: given up like any that stops.
            return Heartbeat(Owner(name=f"unreadable ({error})", host="?", pid=0, start=""), _LOST)

    @contextmanager
    def _opened(self, key: str) -> Iterator[int]:
        descriptor = open_lock(self._layout.lease(key))
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _beating(self, key: str) -> Iterator[None]:
        self._layout.cancelled(key).unlink(missing_ok=True)  # it was meant for who came before
        self._write(key, 0)
        released = Event()
        thread = Thread(target=self._live, args=(key, released), name=f"lease-{key[:8]}")
        thread.daemon = True
        thread.start()
        try:
            yield
        finally:
            released.set()
            thread.join()
            if self._successor(key) is None:
                self._layout.heartbeat(key).unlink(missing_ok=True)
            self._layout.cancelled(key).unlink(missing_ok=True)

    def _live(self, key: str, released: Event) -> None:
        counter = 0
        while not released.wait(self._beat):
            if (successor := self._successor(key)) is not None:
                # This process was suspended for so long that others gave it up. It works on, and
                # publication lets one of them win.
                _logger.warning("the lease of %s was taken over by %s", key, successor)
                return
            counter += 1
            try:
                self._write(key, counter)
            except OSError as error:
                _logger.warning("the heartbeat of %s cannot be written: %s", key, error)

    def _successor(self, key: str) -> Owner | None:
        """Who took the lease over; a heartbeat that cannot be read is no other holder's."""
        beat = self.heartbeat(key)
        if beat is None or beat.counter == _LOST or beat.owner == self.owner:
            return None
        return beat.owner

    def _write(self, key: str, counter: int) -> None:
        beat = {"owner": asdict(self.owner), "counter": counter}
        # Not flushed: where power is lost nobody works, and this claim should be gone.
        write_json(self._layout.heartbeat(key), beat, in_lines=False, flush=False)


class _Stillness:
    """How long the heartbeat of another host has stood still, on our own clock."""

    def __init__(self, us: Owner, limit: float, clock: Callable[[], float]) -> None:
        self._us, self._limit, self._clock = us, limit, clock
        self._seen: Heartbeat | None = None
        self._since = clock()

    def is_free(self, beat: Heartbeat | None) -> bool:
        """Whether nobody alive claims the lease; the caller holds its lock."""
        if beat is None or beat.owner.host == self._us.host:
            return True
        if beat != self._seen:
            self._seen, self._since = beat, self._clock()
        return self._clock() - self._since >= self._limit
