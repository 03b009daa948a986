"""Who executes a plan, as others see it."""

import os
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from harness.files import read_sealed
from harness.layout import RunLayout
from harness.store.leases import Leases
from harness.store.owner import Owner
from harness.store.plans import executed_plans, executing
from harness.store.store import Store

FAR = Owner(name="far", host="another", pid=1, start="0")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(RunLayout(tmp_path))


def seen(store: Store) -> set[str]:
    return set(executed_plans(store.layout, store.leases))


def test_a_plan_is_present_until_the_last_who_executes_it_ends(store: Store) -> None:
    assert seen(store) == set()
    with executing(store, "abc", {"runs": [], "steps": {}}):
        with (
            executing(store, "abc", {"runs": [], "steps": {}}),
            executing(store, "def", {"runs": [1]}),
        ):
            assert seen(store) == {"abc", "def"}
        assert seen(store) == {"abc"}
    assert seen(store) == set()
    assert list(store.layout.root.glob("leases/plan-*")) == []
    assert read_sealed(store.layout.plan("def")) == {"runs": [1]}


def test_a_plan_is_present_no_more_if_its_execution_fails(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), executing(store, "abc", {}):
        _ = 1 / 0
    assert seen(store) == set()


def test_whoever_was_killed_is_forgotten_and_another_host_is_not(store: Store) -> None:
    layout = store.layout
    ours, theirs = (layout.presence(plan, "1") for plan in ("dead", "far"))
    for key in (ours, theirs):
        layout.lease(key).parent.mkdir(exist_ok=True)
        layout.lease(key).touch()
    layout.heartbeat(theirs).write_text(far_heartbeat(layout, theirs))  # its host went down
    assert seen(store) == {"far"}
    with executing(store, "abc", {}):
        assert not layout.lease(ours).exists()
        assert seen(store) == {"abc", "far"}


def far_heartbeat(layout: RunLayout, key: str) -> str:
    """What a holder on another host writes."""
    with Leases(layout, owner=FAR).hold(key, Event()):
        return layout.heartbeat(key).read_text()


@pytest.mark.parametrize("damaged", ["", "{", None])
def test_one_that_was_not_written_for_long_is_forgotten(store: Store, damaged: str | None) -> None:
    layout = store.layout
    old, new = (layout.presence(plan, "1") for plan in ("old", "new"))
    for key in (old, new):
        text = far_heartbeat(layout, key)
        layout.heartbeat(key).write_text(text if damaged is None else damaged)
    os.utime(layout.heartbeat(old), (0, 0))
    assert seen(store) == {"old", "new"}
    with executing(store, "abc", {}):
        assert seen(store) == {"abc", "new"}
        assert not layout.heartbeat(old).exists()


def test_another_host_that_was_forgotten_and_lives_is_seen_again(store: Store) -> None:
    layout = store.layout
    key = layout.presence("far", "1")
    with Leases(layout, owner=FAR, beat=0.01).hold(key, Event()):
        layout.lease(key).unlink()
        layout.heartbeat(key).unlink(missing_ok=True)
        while seen(store) != {"far"}:
            pass


def test_a_plan_that_is_saved_already_becomes_the_newest_and_is_not_written_again(
    store: Store,
) -> None:
    file = store.layout.plan("abc")

    def save(document: dict[str, Any]) -> int:
        with executing(store, "abc", document):
            assert read_sealed(file) == document
            return file.stat().st_ino

    first = save({"runs": [1]})
    os.utime(file, (1, 1))
    assert save({"runs": [1]}) == first
    assert file.stat().st_mtime > 1
    assert save({"runs": [1], "keep": True}) != first
    file.write_bytes(b"\xff{")
    save({"runs": [1]})
