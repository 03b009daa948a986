"""Leases: the kernel's lock on this host, a heartbeat's counter across hosts, never a wall clock."""

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from harness.errors import Interrupted
from harness.layout import RunLayout
from harness.store.leases import Leases
from harness.store.owner import this_process

KEY = "k" * 64
ELSEWHERE = replace(this_process(), name="far", host="other machine:boot:node")


class Clock:
    """A monotonic clock that tests move; every look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def claim(layout: RunLayout, counter: int = 0) -> None:
    """A heartbeat as another host left it."""
    beat = {"owner": {n: getattr(ELSEWHERE, n) for n in ("name", "host", "pid", "start")}}
    path = layout.heartbeat(KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**beat, "counter": counter}))


def test_one_holder_at_a_time_and_nothing_is_left(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    first, second = Leases(layout), Leases(layout)
    with first.hold(KEY, Event()):
        assert second.is_held(KEY)
        assert second.holder(KEY) == first.owner
        with second.try_hold(KEY) as held:
            assert not held
    assert not second.is_held(KEY)
    assert second.holder(KEY) is None
    assert not layout.heartbeat(KEY).exists()
    with second.try_hold(KEY) as held:
        assert held


def test_whoever_waits_is_told_for_whom_when_stopped(tmp_path: Path) -> None:
    first, second = Leases(RunLayout(tmp_path)), Leases(RunLayout(tmp_path))
    stop = Event()
    stop.set()
    with (
        first.hold(KEY, Event()),
        pytest.raises(Interrupted, match=f"process {os.getpid()} on"),
        second.hold(KEY, stop),
    ):
        pass


def test_the_counter_moves_while_the_holder_lives(tmp_path: Path) -> None:
    leases = Leases(RunLayout(tmp_path), beat=0.01)
    with leases.hold(KEY, Event()):
        seen = set[int]()
        while len(seen) < 3:
            beat = leases.heartbeat(KEY)
            assert beat is not None
            seen.add(beat.counter)


def test_a_dead_process_of_this_host_is_succeeded_at_once(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    dead = replace(this_process(), pid=2**22 + 1, start="0")
    claim(layout)
    text = layout.heartbeat(KEY).read_text().replace(ELSEWHERE.host, dead.host)
    layout.heartbeat(KEY).write_text(text)
    leases = Leases(layout, limit=1e9)
    assert not leases.is_held(KEY)
    assert leases.holder(KEY) is None
    with leases.hold(KEY, Event()):
        assert leases.holder(KEY) == leases.owner


def test_another_host_is_honoured_until_its_counter_stood_still(tmp_path: Path) -> None:
    layout, clock = RunLayout(tmp_path), Clock()
    claim(layout)
    leases = Leases(layout, limit=30, clock=clock)
    assert leases.is_held(KEY)
    assert leases.holder(KEY) == ELSEWHERE
    with leases.try_hold(KEY) as held:
        assert not held
    with leases.hold(KEY, _Impatient(never=True)):
        assert clock.now >= 30
        assert leases.holder(KEY) == leases.owner


class _Impatient(Event):
    """A stop that is polled without sleeping; `polled` is called at every poll."""

    def __init__(self, *, never: bool = False, polls: int = 0) -> None:
        super().__init__()
        self.never, self.polls = never, polls

    def polled(self, poll: int) -> None:
        """For tests to change the world between polls."""

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        self.polls -= 1
        self.polled(-self.polls)
        return not self.never and self.polls <= 0


def test_another_host_whose_counter_moves_keeps_its_lease(tmp_path: Path) -> None:
    layout, clock = RunLayout(tmp_path), Clock()
    claim(layout)

    class Alive(_Impatient):
        def polled(self, poll: int) -> None:
            claim(layout, counter=poll)

    leases = Leases(layout, limit=30, clock=clock)
    with pytest.raises(Interrupted, match=r"process .* on far"), leases.hold(KEY, Alive(polls=200)):
        pass
    assert clock.now > 200


@pytest.mark.parametrize("shift", [-(10**9), 10**9])
def test_wall_clocks_do_not_count(tmp_path: Path, shift: int) -> None:
    layout, clock = RunLayout(tmp_path), Clock()
    claim(layout)
    path = layout.heartbeat(KEY)
    moved = path.stat().st_mtime + shift
    os.utime(path, (moved, moved))
    leases = Leases(layout, limit=30, clock=clock)
    with pytest.raises(Interrupted), leases.hold(KEY, _Impatient(polls=10)):
        pass
    with leases.hold(KEY, _Impatient(never=True)):
        assert clock.now >= 40


def test_a_heartbeat_that_cannot_be_read_is_somebodys(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    layout.heartbeat(KEY).parent.mkdir(parents=True)
    layout.heartbeat(KEY).write_text("{")
    leases = Leases(layout, limit=30, clock=Clock())
    assert leases.is_held(KEY)
    with leases.hold(KEY, _Impatient(never=True)):
        assert leases.holder(KEY) == leases.owner


@pytest.mark.parametrize(
    "damage", [b"", b'{"counter": 1, "own', b"\xff\xfe", b"[" * 100_000, b"[1]"]
)
def test_a_living_holder_writes_a_damaged_heartbeat_anew(tmp_path: Path, damage: bytes) -> None:
    layout = RunLayout(tmp_path)
    leases = Leases(layout, beat=0.01)
    with leases.hold(KEY, Event()):
        layout.heartbeat(KEY).write_bytes(damage)
        while leases.holder(KEY) != leases.owner:
            pass
    assert not layout.heartbeat(KEY).exists()


def test_a_holder_that_was_given_up_stops_claiming(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    leases = Leases(layout, beat=0.01)
    with leases.hold(KEY, Event()):
        claim(layout)
        beats = [thread for thread in threading.enumerate() if thread.name == f"lease-{KEY[:8]}"]
        for thread in beats:
            thread.join(30)
            assert not thread.is_alive()
    assert leases.holder(KEY) == ELSEWHERE  # not removed: it is theirs


def test_a_request_to_stop_is_for_the_one_who_works_now(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    leases = Leases(layout)
    layout.lease(KEY).parent.mkdir(parents=True)
    layout.cancelled(KEY).touch()
    with leases.hold(KEY, Event()):
        assert not layout.cancelled(KEY).exists()
        layout.cancelled(KEY).touch()
    assert not layout.cancelled(KEY).exists()
