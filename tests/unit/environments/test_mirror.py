"""The list of a mirror: read strictly, complete or not, absent where there are only repositories."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.environments.mirror import (
    MirroredBase,
    MirroredFile,
    MirrorLayout,
    MirrorList,
    open_mirror,
    read_list,
)
from harness.errors import MismatchError, NotReadyError

LIST = MirrorList(
    complete=True,
    methods=("demo",),
    bases={"debian": MirroredBase(content="sha256:0", replaced=True)},
    files={"packages/a.whl": MirroredFile(sha256="0" * 64, size=3)},
)


def write(root: Path, **changes: Any) -> None:
    (root / "mirror.json").write_text(json.dumps(LIST.document() | changes))


def test_a_list_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path)
    assert read_list(MirrorLayout(tmp_path)) == LIST
    mirror = open_mirror(tmp_path)
    assert mirror is not None
    assert mirror.bases == LIST.bases


def test_a_folder_of_repositories_is_no_mirror_of_all(tmp_path: Path) -> None:
    assert open_mirror(tmp_path) is None


def test_a_mirror_that_was_cut_off_is_not_used(tmp_path: Path) -> None:
    write(tmp_path, complete=False)
    with pytest.raises(NotReadyError, match="did not come to its end") as error:
        open_mirror(tmp_path)
    assert "run it again" in error.value.hint


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps(LIST.document() | {"schema": 2}), '{"schema": 1}']
)
def test_another_text_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mirror.json").write_text(text)
    with pytest.raises(MismatchError, match="expected the list of a mirror"):
        open_mirror(tmp_path)


@pytest.mark.parametrize(
    "url",
    ["https://github.com/a/b", "https://github.com/a/b.git", "git@host:a/b.git", "file:///x/a/b/"],
)
def test_repositories_lie_under_owner_and_name(url: str) -> None:
    assert MirrorLayout(Path("/m")).repository(url) == Path("/m/a/b.git")
