"""Short numbers of runs: never another run's, whatever is executed, removed or damaged."""

import threading
from pathlib import Path

import pytest

from harness.files import read_sealed
from harness.layout import RunLayout
from harness.store.numbers import number_runs, run_numbered, run_numbers
from harness.store.plans import executing
from harness.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(RunLayout(tmp_path))


def execute(store: Store, plan: str, *runs: str) -> None:
    with executing(store, plan, {"runs": [], "steps": {}}, runs):
        pass


def test_a_run_keeps_its_number_and_no_other_gets_it(store: Store) -> None:
    execute(store, "abc", "b", "a")
    execute(store, "def", "a", "c")
    assert run_numbers(store.layout) == {"b": 1, "a": 2, "c": 3}
    store.layout.plan("abc").unlink()  # as gc does with a damaged one
    execute(store, "ghi", "d", "b")
    assert run_numbers(store.layout) == {"b": 1, "a": 2, "c": 3, "d": 4}


def test_plans_that_start_together_give_every_run_a_number_of_its_own(store: Store) -> None:
    def start(number: int) -> None:
        execute(store, f"plan{number}", *(f"run{number}-{one}" for one in range(5)))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = run_numbers(store.layout)
    assert len(found) == 40
    assert sorted(found.values()) == list(range(1, 41))


def test_a_number_is_found_and_other_words_are_not(store: Store) -> None:
    execute(store, "abc", "first", "second")
    assert run_numbered(store.layout, "2") == "second"
    assert [run_numbered(store.layout, word) for word in ("3", "0", "x", "", "-1", "²")] == [
        None
    ] * 6


def test_a_damaged_list_gives_no_number_until_runs_are_numbered_anew(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    execute(store, "abc", "first", "second")
    store.layout.numbers.write_text('{"runs": ["second", "first"]}')
    assert run_numbers(store.layout) == {}
    assert run_numbered(store.layout, "1") is None
    assert "not as it was written" in caplog.text
    execute(store, "def", "third")
    assert run_numbers(store.layout) == {"third": 1}
    assert "runs have new numbers" in caplog.text
    assert [path.name[:12] for path in store.layout.quarantine.iterdir()] == ["numbers.json"]


def test_nothing_is_written_for_runs_that_are_numbered(store: Store) -> None:
    number_runs(store.layout, ["a", "b"])
    before = store.layout.numbers.stat().st_ino
    number_runs(store.layout, ["b"])
    assert store.layout.numbers.stat().st_ino == before
    assert read_sealed(store.layout.numbers) == {"runs": ["a", "b"]}
