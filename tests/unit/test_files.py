"""Files that are sealed, and trees that are removed whatever is in them."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import files
from harness.files import (
    DamagedFile,
    read_sealed,
    remove_tree,
    sync_tree,
    write_bytes,
    write_json,
    write_sealed,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(
    st.text().filter(lambda name: name != "digest"), VALUES, min_size=1, max_size=4
)
HERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@HERE
@given(document=DOCUMENTS)
def test_what_was_sealed_is_read_as_it_was(tmp_path: Path, document: dict[str, object]) -> None:
    write_sealed(tmp_path / "one.json", document)
    assert read_sealed(tmp_path / "one.json") == document


@HERE
@given(data=st.data())
def test_a_changed_byte_is_seen(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "one.json"
    document = {"schema": 3, "scores": {"J": 71.5}, "name": "toy", "list": [1, None, "x"]}
    write_sealed(path, document)
    text = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(text)
    try:
        found = read_sealed(path)
    except DamagedFile:
        return
    assert found == document  # white space


def test_a_file_that_appears_while_it_is_looked_for_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.json"

    def too_early(path: Path) -> bytes:
        monkeypatch.undo()
        write_sealed(path, {"schema": 3})  # by somebody else, a moment later
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_bytes", too_early)
    assert read_sealed(path) is None
    assert read_sealed(path) == {"schema": 3}


DAMAGED = (
    *(b"", b"{", b"null", b"[]", b"5", b'{"a": 1}', b'{"digest": "x"}', b"\xff\xfe", bytes(40)),
    *(b"[" * 100_000, b'{"a": 1, "a": 2, "digest": []}', b"9" * 6000),
)


@pytest.mark.parametrize("text", DAMAGED)
def test_what_is_no_sealed_file_is_damaged(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(text)
    with pytest.raises(DamagedFile, match=r"one\.json"):
        read_sealed(path)


def test_a_folder_in_place_of_a_file_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile):
        read_sealed(tmp_path)
    assert read_sealed(tmp_path / "none.json") is None


@HERE
@given(document=VALUES, sort_keys=st.booleans())
def test_what_people_read_is_written_as_json_writes_it_in_lines(
    tmp_path: Path, document: object, sort_keys: bool
) -> None:
    write_json(tmp_path / "one.json", document, sort_keys=sort_keys)
    in_lines = json.dumps(document, indent=1, sort_keys=sort_keys)
    assert (tmp_path / "one.json").read_bytes().decode() == f"{in_lines}\n"


def test_what_is_sealed_is_json(tmp_path: Path) -> None:
    write_sealed(tmp_path / "one.json", {"b": 1, "a": 2})
    found = json.loads((tmp_path / "one.json").read_text())
    assert sorted(found) == ["a", "b", "digest"]


def test_a_deep_tree_is_removed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    folder = os.open(root, os.O_RDONLY)
    for _ in range(3000):  # deeper than recursion, longer than a path may be
        os.mkdir("directory", dir_fd=folder)
        os.close(os.open("file", os.O_CREAT, dir_fd=folder))
        inner = os.open("directory", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    remove_tree(root)
    assert not root.exists()


def test_nothing_outside_a_tree_is_removed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (root / "link").symlink_to(outside)
    (root / "loop").symlink_to(".")
    (root / "file").symlink_to(outside / "kept")
    os.mkdir(os.fsencode(root) + b"/\xff")  # noqa: PTH102 - a name that is no text
    (root / "closed").mkdir()
    (root / "closed" / "inner").mkdir(mode=0o500)
    (root / "closed").chmod(0)
    remove_tree(root)
    assert not root.exists()
    assert (outside / "kept").read_text() == "kept"


def test_a_link_or_a_file_is_removed_itself(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "file").touch()
    for name in ("link", "file", "nothing"):
        remove_tree(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("refused", [None, errno.EOPNOTSUPP, errno.EISDIR])
def test_a_file_is_replaced_whole_whether_or_not_files_without_a_name_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int | None
) -> None:
    really = os.open

    def open_(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if refused is not None and flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(refused, os.strerror(refused))
        return really(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", open_)
    path = tmp_path / "new" / "one.json"
    for content in (b"first", b"second, which is longer", b""):
        write_bytes(path, content)
        assert path.read_bytes() == content
        assert [one.name for one in path.parent.iterdir()] == ["one.json"]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_file_has_no_name_until_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.json").write_bytes(b"old")
    seen: list[list[Path]] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(list(tmp_path.iterdir())))
    write_bytes(tmp_path / "one.json", b"new")
    assert seen[0] == [tmp_path / "one.json"], "a kill before the end would leave another file"
    assert (tmp_path / "one.json").read_bytes() == b"new"


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths in the order in which they were flushed to disk."""
    found: list[Path] = []

    def sync(path: Path) -> None:
        files_sync(path)
        found.append(path)

    files_sync = files.sync
    monkeypatch.setattr(files, "sync", sync)
    return found


def test_what_need_not_outlive_a_loss_of_power_is_written_whole_but_not_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    write_sealed(tmp_path / "beat.json", {"counter": 1}, flush=False)
    assert read_sealed(tmp_path / "beat.json") == {"counter": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["beat.json"]
    assert flushed == []


def test_every_file_and_folder_is_flushed_once(tmp_path: Path, flushed: list[Path]) -> None:
    names = [f"{folder}{number}" for folder in ("", "a/", "a/b/") for number in range(40)]
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in names:
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("nowhere")
    sync_tree(tmp_path)
    folders = [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert sorted(flushed) == sorted([*(tmp_path / name for name in names), *folders])


def test_a_file_that_cannot_be_flushed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        (tmp_path / str(number)).write_text("x")

    def full(path: Path) -> None:
        if path.name == "7":
            raise OSError(errno.ENOSPC, "no space", str(path))

    monkeypatch.setattr(files, "sync", full)
    with pytest.raises(OSError, match="no space"):
        sync_tree(tmp_path)
