"""Who executes a plan, as others see it."""

from pathlib import Path
from threading import Event

import pytest

from harness.files import read_sealed
from harness.layout import RunLayout
from harness.store.leases import Leases
from harness.store.owner import Owner
from harness.store.plans import executed_plans, executing
from harness.store.store import Store


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
    far = Owner(name="far", host="another", pid=1, start="0")
    with Leases(layout, owner=far).hold(theirs, Event()):
        beat = layout.heartbeat(theirs).read_text()
    layout.heartbeat(theirs).write_text(beat)  # its host went down
    assert seen(store) == {"far"}
    with executing(store, "abc", {}):
        assert not layout.lease(ours).exists()
        assert seen(store) == {"abc", "far"}
