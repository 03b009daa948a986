"""Contracts of JSON objects, lists, folders and plain files; what `describe` and `check` say."""

import json
from pathlib import Path

import pytest

from harness.contracts import ContractError, check
from harness.manifest.contract import (
    Contract,
    Folder,
    JsonObject,
    Listing,
    PlainFile,
)


def refuse(contract: Contract, path: Path, *words: str) -> None:
    with pytest.raises(ContractError) as raised:
        check(contract, path, Path)
    for word in (contract.kind, *words):
        assert word in str(raised.value)


def json_contract(*keys: str) -> JsonObject:
    return JsonObject(kind="json", keys=keys)


def test_json_object(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"J": 1.5, "rows": [{"F": 2}]}))
    assert check(json_contract("J"), tmp_path / "a.json", Path) == {"keys": ["J", "rows"]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "an empty file"),
        ('{"J": 1', "unreadable"),
        ("[1]", "found list"),
        ('{"F": 1}', "expected key 'J', found 'F'"),
        ('{"J": {"x": [1, NaN]}}', "nan at J.x[1]"),
        ('{"J": Infinity}', "inf at J"),
        ('{"J": 1e999}', "inf at J"),
        ("[" * 100_000, "a JSON object"),
    ],
)
def test_broken_json(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "a.json").write_text(text)
    refuse(json_contract("J"), tmp_path / "a.json", "a.json", found)


def test_list_of_ids(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("a\nb\n")
    assert check(Listing(kind="list", min_count=2), file, Path) == {"count": 2}
    refuse(Listing(kind="list", min_count=3), file, "at least 3 ids", "found 2")
    file.write_text("a\na\n")
    refuse(Listing(kind="list"), file, "is already")
    file.write_bytes(b"\xff\xfe")
    refuse(Listing(kind="list"), file, "a list of ids")
    file.write_text("")
    refuse(Listing(kind="list"), file, "an empty file")


def test_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name in "ab":
        (tmp_path / "pictures" / f"{name}.jpg").write_text("x")
    (tmp_path / "list.txt").write_text("x")
    contract = Folder(kind="folder", globs=("*.txt",), counts={"pictures/*.jpg": 2})
    assert check(contract, tmp_path, Path) == {"counts": {"*.txt": 1, "pictures/*.jpg": 2}}
    (tmp_path / "pictures" / "b.jpg").unlink()
    refuse(contract, tmp_path, "at least 2 of pictures/*.jpg", "found 1")
    (tmp_path / "pictures" / "b.jpg").touch()
    refuse(contract, tmp_path, "b.jpg", "an empty file")
    refuse(contract, tmp_path / "list.txt", "found a file")
    refuse(contract, tmp_path / "none", "found nothing")


def test_folder_without_globs_holds_something(tmp_path: Path) -> None:
    contract = Folder(kind="folder")
    refuse(contract, tmp_path, "at least 1")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_text("x")
    assert check(contract, tmp_path, Path) == {"counts": {"**/*": 1}}


def test_plain_file(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("epoch 1\nmIoU 64.7\n")
    contract = PlainFile(kind="file", min_bytes=10, contains=(r"^mIoU \d+",))
    assert check(contract, file, Path) == {"bytes": 18}
    refuse(PlainFile(kind="file", contains=("done",)), file, "text like 'done'")
    refuse(PlainFile(kind="file", min_bytes=19), file, "at least 19 bytes", "found 18")
    refuse(contract, tmp_path, "found a folder")
