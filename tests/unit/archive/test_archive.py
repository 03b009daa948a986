"""An archive holds what it should, gives the same evidence back, and is not believed blindly."""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.archive.contents import HandOver
from harness.archive.export import export
from harness.archive.opening import opened
from harness.errors import HarnessError, MismatchError, NotReadyError, UsageError
from harness.evidence.gather import gather
from harness.files import write_sealed
from harness.layout import RunLayout
from harness.store.records import read_record
from tests.unit.archive.conftest import hand_over_all

METADATA = "ro-crate-metadata.json"


@pytest.fixture
def folder(wanted: HandOver, tmp_path: Path) -> Path:
    """The archive as a folder, with nothing else around."""
    target = tmp_path / "elsewhere" / "crate"
    export(wanted, target)
    return target


def graph(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / METADATA).read_text())
    return {one["@id"]: one for one in document["@graph"]}


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def kinds(one: Any) -> list[str]:
    return many(one["@type"])


@pytest.mark.parametrize("name", ["crate", "crate.zip"])
def test_what_is_read_from_an_archive_alone_is_what_was_handed_over(
    wanted: HandOver, layout: RunLayout, tmp_path: Path, name: str
) -> None:
    export(wanted, tmp_path / name)
    moved = tmp_path / "alone" / name
    moved.parent.mkdir()
    shutil.move(tmp_path / name, moved)
    before = gather(layout)
    shutil.rmtree(layout.root)
    with opened(moved) as runs:
        after = gather(RunLayout(runs))
        assert after.damage == ()
        assert len(after.runs) == 4
        assert [run.record for run in after.runs] == [run.record for run in before.runs]
        assert [run.scores for run in after.runs] == [run.scores for run in before.runs]
        for old, new in zip(before.runs, after.runs, strict=True):
            assert [one.record for one in old.steps.values()] == [
                one.record for one in new.steps.values()
            ]
            for step in new.steps.values():
                assert step.log is not None
                assert step.log.read_text() == f"{step.name} of {new.id}\n"
    assert not runs.exists()


def test_equal_runs_give_equal_bytes(wanted: HandOver, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        export(wanted, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_every_file_is_described_with_its_hash_and_there_is_no_data(folder: Path) -> None:
    described = {unquote(name): one for name, one in graph(folder).items() if "File" in kinds(one)}
    there = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    assert set(described) == set(there) - {METADATA}
    for name, one in described.items():
        content = there[name].read_bytes()
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["contentSize"] == str(len(content))
    assert {path.suffix for path in there.values()} == {
        ".json",
        ".log",
        ".yaml",
        ".patch",
        ".md",
        ".lock",
        ".txt",
        "",
    }
    assert "patches/demo-classifier/losses.patch" in there
    assert "dockerfiles/Dockerfile" in there


def test_every_reference_leads_to_an_entity_or_out_into_the_web(folder: Path) -> None:
    entities = graph(folder)
    for one in entities.values():
        for value in one.values():
            for found in many(value):
                if isinstance(found, dict):
                    assert found["@id"] in entities or found["@id"].startswith("http"), one["@id"]


def test_actions_say_what_ran_with_what_and_when(folder: Path, wanted: HandOver) -> None:
    entities = graph(folder)
    run = wanted.evidence.runs[0]
    step = run.steps["train-final"]
    action = entities[f"#action/{step.key}"]
    assert action["description"] == "python train-final.py --seed 1"
    assert (action["startTime"], action["endTime"]) == (
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T01:00:00+00:00",
    )
    assert entities[action["containerImage"]["@id"]]["sha256"] == "9" * 64
    assert entities[action["environment"]["@id"]]["name"] == "HARNESS_THREADS"
    tool = entities[action["instrument"]["@id"]]
    assert tool["softwareVersion"] == "c" * 40
    source = entities[tool["isBasedOn"]["@id"]]
    assert source["hasPart"] == {"@id": "patches/demo-classifier/losses.patch"}
    assert {entities[one["@id"]]["value"] for one in action["object"]} == {
        "f" * 64,
        "sha256:" + "d" * 64,
        "b" * 40,
    }
    used = {entities[one["@id"]]["value"] for one in action["resourceUsage"]}
    assert used == {3600.0, 1.5, 10.5, 9.5}
    whole = entities[f"#run/{run.id}"]
    values = {
        entities[one["@id"]].get("name"): entities[one["@id"]].get("value")
        for one in (*whole["object"], *whole["result"])
    }
    assert values["losses"] == "none"
    assert values["final J in percent"] == 61.0
    organised = entities[f"#run/{run.id}/engine"]
    controlled = [entities[one["@id"]]["object"]["@id"] for one in organised["object"]]
    assert controlled == [f"#action/{one.key}" for one in run.steps.values()]


def test_what_a_step_used_is_named_in_its_units(folder: Path) -> None:
    found = [
        (one["propertyID"], one["value"])
        for one in graph(folder).values()
        if "PropertyValue" in kinds(one) and "/use/" in one["@id"]
    ]
    assert set(found) == {
        ("seconds", 3600.0),
        ("peak_memory_gb", 1.5),
        ("peak_gpu_memory_gb/GPU-1", 10.5),
        ("peak_gpu_memory_gb/GPU-2", 9.5),
    }


def test_a_patch_that_differs_from_the_one_that_ran_is_not_passed_off_as_it(
    layout: RunLayout, tmp_path: Path
) -> None:
    for entry in layout.entries():
        record = dict(read_record(entry.record) or {})
        record["sources"]["demo-classifier+losses"]["patches"] = [["losses", "0" * 64]]
        write_sealed(entry.record, record)
    handed = hand_over_all(layout)
    export(handed, tmp_path / "crate")
    parts = [
        one["hasPart"]
        for one in graph(tmp_path / "crate").values()
        if one["@id"].startswith("#source/")
    ]
    assert parts == [{"@id": "#patch/" + "0" * 16}]


def test_a_run_that_failed_is_handed_over_as_such(layout: RunLayout, tmp_path: Path) -> None:
    path = min(layout.runs.glob("*.json"))
    record = dict(read_record(path) or {})
    steps = {**record["steps"]}
    steps["score-final"] = {**steps["score-final"], "status": "failed", "error": "it broke"}
    shutil.rmtree(layout.entry(steps["score-final"]["key"]).root)
    write_sealed(path, {**record, "status": "failed", "steps": steps})
    export(hand_over_all(layout), tmp_path / "crate")
    action = graph(tmp_path / "crate")[f"#run/{path.stem}"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "failed\nscore-final: it broke"


def test_a_run_without_a_step_is_refused(layout: RunLayout) -> None:
    shutil.rmtree(layout.store)
    with pytest.raises(NotReadyError, match="no step whose record"):
        hand_over_all(layout)


@pytest.mark.parametrize("name", ["crate", "crate.zip"])
def test_nothing_is_overwritten(wanted: HandOver, tmp_path: Path, name: str) -> None:
    export(wanted, tmp_path / name)
    with pytest.raises(UsageError, match="something already"):
        export(wanted, tmp_path / name)


def test_a_write_that_fails_leaves_nothing(
    wanted: HandOver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("harness.archive.export.sync_tree", full)
    with pytest.raises(OSError, match="no space"):
        export(wanted, tmp_path / "to" / "crate.zip")
    assert list((tmp_path / "to").iterdir()) == []


def a_run_file(folder: Path) -> Path:
    return min((folder / "runs" / "runs").glob("*.json"))


def change_hash(folder: Path) -> None:
    path = a_run_file(folder)
    path.write_bytes(path.read_bytes().replace(b"demo", b"dema"))


def remove(folder: Path) -> None:
    a_run_file(folder).unlink()


def link(folder: Path) -> None:
    path = a_run_file(folder)
    path.rename(folder / "aside")
    path.symlink_to(folder / "aside")


def link_folder(folder: Path) -> None:
    (folder / "runs").rename(folder / "aside")
    (folder / "runs").symlink_to("aside")


def grow(folder: Path) -> None:
    with a_run_file(folder).open("ab") as file:
        file.write(bytes(100))


def pipe(folder: Path) -> None:
    path = a_run_file(folder)
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("spoil", [change_hash, remove, link, link_folder, grow, pipe])
def test_a_file_that_is_not_as_listed_is_refused(
    folder: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(folder)
    with pytest.raises(MismatchError, match="expected"), opened(folder):
        pass


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"@id": "runs/../../escape"}, "no place in an archive"),
        ({"@id": "runs/%2e%2e/escape"}, "no place in an archive"),
        ({"@id": "runs//x"}, "no place in an archive"),
        ({"@id": "runs/a\\b"}, "no place in an archive"),
        ({"@id": "runs/a\x1b[31m"}, "no place in an archive"),
        ({"contentSize": "-1"}, "-1 bytes"),
        ({"contentSize": "many"}, "cannot be read"),
        ({"contentSize": None}, "cannot be read"),
        ({"contentSize": str(1 << 40)}, "at most"),
        ({"@id": None}, "cannot be read"),
    ],
)
def test_a_hostile_description_is_refused(folder: Path, change: dict[str, Any], text: str) -> None:
    document = json.loads((folder / METADATA).read_text())
    one = next(one for one in document["@graph"] if one["@id"].startswith("runs/runs/"))
    one.update(change)
    (folder / METADATA).write_text(json.dumps(document))
    with pytest.raises(HarnessError, match=text), opened(folder):
        pass


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"@graph": 1}', '{"@graph": [1]}', "[" * 100_000]
)
def test_a_description_that_is_none_is_refused(folder: Path, content: str) -> None:
    (folder / METADATA).write_text(content)
    with pytest.raises(UsageError, match="cannot be read"), opened(folder):
        pass


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "empty").mkdir()
    for name in ("text.zip", "empty", "nowhere"):
        with pytest.raises(UsageError, match="--from"), opened(tmp_path / name):
            pass


def test_a_link_in_a_zip_is_not_followed(folder: Path, tmp_path: Path) -> None:
    place = a_run_file(folder).relative_to(folder).as_posix()
    with zipfile.ZipFile(tmp_path / "crate.zip", "w") as archive:
        for path in folder.rglob("*"):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                entry.external_attr = (0o120777 if entry.filename == place else 0o100644) << 16
                archive.writestr(entry, path.read_bytes())
    with pytest.raises(MismatchError, match="no plain file"), opened(tmp_path / "crate.zip"):
        pass


def test_only_listed_files_are_taken(folder: Path) -> None:
    (folder / "runs" / "runs" / "planted.json").write_text("{}")
    with opened(folder) as runs:
        assert not (runs / "runs" / "planted.json").exists()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_of_a_zip_never_changes_a_score(
    wanted: HandOver, tmp_path: Path, at: int, bit: int
) -> None:
    whole, spoilt = tmp_path / "crate.zip", tmp_path / "spoilt.zip"
    if not whole.exists():
        export(wanted, whole)
    content = bytearray(whole.read_bytes())
    content[at % len(content)] ^= 1 << bit
    spoilt.write_bytes(content)
    expected = [(run.id, run.scores) for run in wanted.evidence.runs]
    try:
        with opened(spoilt) as runs:
            assert [(run.id, run.scores) for run in gather(RunLayout(runs)).runs] == expected
    except (UsageError, MismatchError):
        pass
