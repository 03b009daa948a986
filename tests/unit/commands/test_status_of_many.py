"""`status` of many steps that failed: one look at the attempts, not one per step."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.commands.inspect import State, states_of
from harness.layout import RunLayout
from harness.plan.needs import Todo
from harness.store.records import write_record
from harness.store.store import Store
from tests import counted


def key(number: int) -> str:
    return f"{number:064x}"[::-1]


def context(root: Path, count: int) -> Any:
    """A store in which each of so many steps failed once."""
    store = Store(RunLayout(root))
    for number in range(count):
        attempt = store.attempt(key(number))
        write_record(attempt.record, {"identity": {"key": key(number)}, "status": "failed"})
    return SimpleNamespace(store=store, layout=store.layout)


def states(found: Any, count: int) -> dict[str, State]:
    keys = [key(number) for number in range(count)]
    return states_of(found, keys, Todo(frozenset(keys[:-1]), {}))


def test_every_step_has_its_own_state(tmp_path: Path) -> None:
    found = states(context(tmp_path, 3), 4)
    assert list(found.values()) == [State.FAILED, State.FAILED, State.FAILED, State.DONE]
    assert states(context(tmp_path / "none", 0), 3)[key(0)] is State.TODO


def test_states_are_found_in_time_linear_in_steps_and_attempts(tmp_path: Path) -> None:
    def calls(root: Path, count: int) -> int:
        found = context(root, count)
        return counted.calls(lambda: states(found, count))

    counted.assert_linear(calls, tmp_path, few=20, many=200)
