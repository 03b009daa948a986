"""Stored outputs against their records: hashed once, then known by what a change also changes."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.contracts import content
from harness.files import read_sealed, write_sealed
from harness.layout import RunLayout, StepFolder
from harness.store.records import write_record
from harness.store.store import Store
from harness.store.verification import Verifier, stamp, stamped
from tests.mutations import flip_bit

KEY = "ab" * 32


def publish(store: Store, key: str = KEY) -> StepFolder:
    """A finished step with a folder and a file, stamped as `reproduce` leaves it."""
    attempt = store.attempt(key)
    (attempt.out / "labels").mkdir()
    for name in ("labels/1.png", "labels/2.png", "weights"):
        (attempt.out / name).write_bytes(b"content of " + name.encode())
    places = {"labels": "labels", "weights": "weights"}
    record = {
        "identity": {
            "key": key,
            "key_inputs": {"outputs": {name: {"path": place} for name, place in places.items()}},
        },
        "outputs": {name: content.describe(attempt.out / place) for name, place in places.items()},
    }
    write_record(attempt.record, record)
    stamp_as_found(store, attempt)
    assert store.publish(attempt, key)
    return store.layout.entry(key)


def stamp_as_found(store: Store, entry: StepFolder) -> None:
    record = store.record_of(entry)
    assert record is not None
    marks = {name: content.fingerprint(entry.out / name) for name in ("labels", "weights")}
    stamp(entry, record, marks)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(RunLayout(tmp_path / "runs"))


def flip(path: Path) -> None:
    flip_bit(path, at=3)


def cut(path: Path) -> None:
    os.truncate(path, 2)


def replaced(path: Path) -> None:
    data = path.read_bytes()[::-1]
    path.unlink()
    path.write_bytes(data)


def renamed(path: Path) -> None:
    path.rename(path.with_name("3.png"))


def one_more(path: Path) -> None:
    path.with_name(".hidden").write_text("more")


def swapped(path: Path) -> None:
    other = path.with_name("2.png")
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE = (flip, cut, replaced, renamed, one_more, swapped, linked, a_folder)


@pytest.mark.parametrize("harm", DAMAGE)
def test_damage_is_seen_and_named(store: Store, harm: Callable[[Path], None]) -> None:
    entry = publish(store)
    assert Verifier(store).damage(KEY) is None
    harm(entry.out / "labels/1.png")
    damage = Verifier(store).damage(KEY)
    assert damage is not None
    assert str(entry.out / "labels") in damage


def test_a_changed_byte_is_seen_though_size_and_time_were_put_back(store: Store) -> None:
    entry = publish(store)
    flip(entry.out / "weights")
    damage = Verifier(store).damage(KEY)
    assert damage is not None
    assert "sha256" in damage


def test_damage_of_one_output_is_none_of_another(store: Store) -> None:
    entry = publish(store)
    flip(entry.out / "weights")
    assert Verifier(store).damage(KEY, "labels") is None
    assert Verifier(store).damage(KEY, "weights") is not None


def test_what_was_verified_once_is_not_hashed_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = publish(store)
    entry.stamp.unlink()
    assert Verifier(store).damage(KEY) is None  # hashed, and stamped
    monkeypatch.setattr(content, "describe", lambda _: pytest.fail("hashed again"))
    assert Verifier(store).damage(KEY) is None


def copied_store(entry: StepFolder) -> None:
    copy = entry.root.with_name("copy")
    shutil.copytree(entry.root, copy)
    shutil.rmtree(entry.root)
    copy.rename(entry.root)


def without_stamp(entry: StepFolder) -> None:
    entry.stamp.unlink()


def damaged_stamp(entry: StepFolder) -> None:
    entry.stamp.write_bytes(entry.stamp.read_bytes()[:-20])


def foreign_stamp(entry: StepFolder) -> None:
    found = read_sealed(entry.stamp)
    assert found is not None
    write_sealed(entry.stamp, {**found, "record": "0" * 64})


@pytest.mark.parametrize(
    "harm",
    [copied_store, without_stamp, damaged_stamp, foreign_stamp],
    ids=lambda one: one.__name__,
)
def test_without_a_stamp_that_holds_everything_is_hashed(
    store: Store, harm: Callable[[StepFolder], None]
) -> None:
    entry = publish(store)
    harm(entry)
    assert Verifier(store).damage(KEY) is None
    flip(entry.out / "weights")
    harm(entry)
    assert Verifier(store).damage(KEY) is not None


def test_a_stamp_forged_without_hashing_is_found_by_anew(store: Store) -> None:
    entry = publish(store)
    flip(entry.out / "weights")
    stamp_as_found(store, entry)  # as if the stamp had been written over damage
    assert Verifier(store).damage(KEY) is None
    assert Verifier(store, anew=True).damage(KEY) is not None


def test_trust_reads_sizes_only_and_leaves_no_stamp(store: Store) -> None:
    entry = publish(store)
    flip(entry.out / "weights")
    before = stamped(entry, store.record(KEY) or {})
    assert Verifier(store, trust=True).damage(KEY) is None
    assert stamped(entry, store.record(KEY) or {}) == before
    cut(entry.out / "weights")
    assert Verifier(store, trust=True).damage(KEY) is not None


def test_dropped_outputs_are_no_damage(store: Store) -> None:
    entry = publish(store)
    shutil.rmtree(entry.out / "labels")
    assert Verifier(store).damage(KEY) is None


def edited(text: dict[str, Any]) -> None:
    text["outputs"]["weights"]["sha256"] = "0" * 64


def shortened(text: dict[str, Any]) -> None:
    del text["outputs"]["weights"]


def of_another_key(text: dict[str, Any]) -> None:
    text["identity"]["key"] = "cd" * 32


@pytest.mark.parametrize("edit", [edited, shortened, of_another_key])
def test_a_record_that_was_edited_is_none(
    store: Store, edit: Callable[[dict[str, Any]], None]
) -> None:
    entry = publish(store)
    text = json.loads(entry.record.read_text())
    edit(text)
    entry.record.write_text(json.dumps(text))
    assert store.record(KEY) is None
    assert store.unrecorded(KEY)


def test_an_entry_under_another_key_is_none(store: Store) -> None:
    entry = publish(store)
    other = store.layout.entry("cd" * 32).root
    other.parent.mkdir(parents=True)
    entry.root.rename(other)
    assert store.record("cd" * 32) is None
    assert store.unrecorded("cd" * 32)
