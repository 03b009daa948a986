"""What is noted of a step's inputs, to see whether the step changed them."""

import errno
import os
from pathlib import Path

import pytest

from harness.store import store
from harness.store.store import snapshot


def state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def test_every_file_below_is_noted_and_links_are_followed_to_files_alone(tmp_path: Path) -> None:
    inner, other = tmp_path / "data" / "inner", tmp_path / "other"
    inner.mkdir(parents=True)
    other.mkdir()
    (inner / "a").write_text("a")
    (other / "b").write_text("bb")
    (inner / "file-link").symlink_to(other / "b")
    (inner / "folder-link").symlink_to(other)
    (inner / "nowhere").symlink_to("gone")
    (inner / "itself").symlink_to("itself")
    (inner / "through-a-file").symlink_to("a/b")
    assert snapshot([tmp_path / "data"]) == {
        str(inner / "a"): state(inner / "a"),
        str(inner / "file-link"): state(other / "b"),
    }


def test_a_file_and_a_linked_folder_may_be_inputs_themselves(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("a")
    (tmp_path / "link").symlink_to("folder")
    file = tmp_path / "folder" / "a"
    assert snapshot([file]) == {str(file): state(file)}
    assert snapshot([tmp_path / "link"]) == {str(tmp_path / "link" / "a"): state(file)}
    assert snapshot([tmp_path / "gone"]) == {}


def test_a_disk_that_fails_is_not_a_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("a")
    real = os.stat

    def failing(place: object, **how: object) -> os.stat_result:
        if str(place).endswith("/a"):
            raise OSError(errno.EIO, "input/output error")
        return real(place, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(store.os, "stat", failing)
    with pytest.raises(OSError, match="input/output error"):
        snapshot([tmp_path])
