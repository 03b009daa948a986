"""Stores of many runs: what is asked of every step costs no more when there are more of them."""

import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.files import write_sealed
from harness.layout import RunLayout
from harness.store import garbage
from harness.store.garbage import Executions, find_garbage
from harness.store.records import write_record
from harness.store.split_record import note_split
from harness.store.store import Store
from tests import counted

NOTHING_RUNS = Executions({}, {})


def key(number: int) -> str:
    return f"{number:064x}"[::-1]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(RunLayout(tmp_path))


def publish(store: Store, count: int) -> None:
    for number in range(count):
        entry = store.layout.entry(key(number))
        entry.out.mkdir(parents=True)
        write_record(entry.record, {"identity": {"key": key(number)}, "status": "done"})


def fail(store: Store, number: int) -> str:
    """Leave a failed attempt and the lease file that its holder made; return its name."""
    with store.leases.try_hold(key(number)):
        attempt = store.attempt(key(number))
    write_record(attempt.record, {"identity": {"key": key(number)}, "status": "failed"})
    return attempt.root.name


def plan(store: Store, name: str, *steps: str) -> None:
    nodes: dict[str, Any] = {one: {"outputs": {}, "inputs": {}} for one in steps}
    run = {"id": name, "run": {"runtime": "process"}, "steps": {one: one for one in steps}}
    write_sealed(store.layout.plan(name), {"runs": [run], "steps": nodes})


def test_attempts_are_found_by_the_beginning_of_their_key(store: Store) -> None:
    assert store.every_attempt() == {}
    assert store.attempts(key(1)) == []
    names = sorted([fail(store, 1), fail(store, 1)])
    other = fail(store, 2)
    assert [one.root.name for one in store.attempts(key(1))] == names
    assert [one.root.name for one in store.attempts(key(2))] == [other]
    assert {name: len(tried) for name, tried in store.every_attempt().items()} == {
        key(1)[:16]: 2,
        key(2)[:16]: 1,
    }


def calls_of(make: Callable[[Store, int], None], ask: Callable[[Store], object]) -> Any:
    """Calls that `ask` makes of a store of so many things."""

    def calls(folder: Path, count: int) -> int:
        store = Store(RunLayout(folder))
        make(store, count)
        return counted.calls(lambda: ask(store))

    return calls


def failed(store: Store, count: int) -> None:
    for number in range(count):
        fail(store, number)


def garbage_of(store: Store) -> None:
    found = list(find_garbage(store, NOTHING_RUNS, with_store=True))
    assert found


def test_garbage_is_found_in_time_linear_in_attempts(tmp_path: Path) -> None:
    counted.assert_linear(calls_of(failed, garbage_of), tmp_path, few=20, many=200)


def test_garbage_is_found_in_time_linear_in_entries(tmp_path: Path) -> None:
    counted.assert_linear(calls_of(publish, garbage_of), tmp_path, few=20, many=200)


def test_entries_are_removed_in_time_linear_in_their_number(tmp_path: Path) -> None:
    def remove(store: Store) -> None:
        for one in find_garbage(store, NOTHING_RUNS, with_store=True):
            one.remove()
        assert not any(True for _ in store.layout.entries())

    def entries_and_a_plan(store: Store, count: int) -> None:
        publish(store, count)
        plan(store, "newest", *(key(number) for number in range(count, 2 * count)))

    counted.assert_linear(calls_of(entries_and_a_plan, remove), tmp_path, few=10, many=60)


def test_plans_are_weighed_again_only_if_one_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    saved_plans = garbage.saved_plans

    def counting(layout: RunLayout) -> Any:
        asked["plans"] += 1
        return saved_plans(layout)

    monkeypatch.setattr(garbage, "saved_plans", counting)
    publish(store, 5)
    entries = list(find_garbage(store, NOTHING_RUNS, with_store=True))
    for one in entries[:3]:
        one.remove()
    assert asked["plans"] == 1
    plan(store, uuid.uuid4().hex, entries[3].name)  # it comes between finding and removing
    for one in entries[3:]:
        one.remove()
    assert asked["plans"] == 2
    assert [entry.root.name for entry in store.layout.entries()] == [entries[3].name]


def test_shards_of_a_wanted_step_are_wanted_as_soon_as_it_is_split(store: Store) -> None:
    publish(store, 3)
    plan(store, "one", key(0))
    assert garbage.wanted_keys(store) == {key(0)}
    note_split(store.layout, key(0), [key(1)])
    note_split(store.layout, key(9), [key(2)])  # of a step that no plan wants
    assert garbage.wanted_keys(store) == {key(0), key(1)}
