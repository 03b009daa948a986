"""Damaged files under `runs/`, through the real command: made again, named, or refused; never read."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.layout import RunLayout
from harness.store.store import Store
from harness.store.verification import stamped
from tests.integration.test_faults import GOOD
from tests.mutations import flip_bit
from tests.project import Project, step

SCORES = [{"J": 50, "F": 40, "JF": 45}]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `runs/` of a finished run of three steps."""
    made = Project(tmp_path_factory.mktemp("finished"), GOOD)
    assert made.reproduce()[0] == 0
    return made.runs


@pytest.fixture
def project(tmp_path: Path, finished: Path) -> Project:
    """A project of its own with that run."""
    made = Project(tmp_path, GOOD)
    shutil.copytree(finished, made.runs)
    return made


def entry_of(project: Project, name: str) -> Path:
    """The folder of a finished step."""
    for path in project.runs.glob("store/*/*/record.json"):
        if json.loads(path.read_text())["identity"]["step"] == name:
            return path.parent
    raise AssertionError(name)


def scores(document: dict[str, Any]) -> list[Any]:
    return [run["scores"] for run in document["runs"]]


def flip(path: Path) -> None:
    flip_bit(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def null(path: Path) -> None:
    path.write_text("null")


def foreign(path: Path) -> None:
    path.write_text('{"digest": "x", "schema": 1}')


def deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00" * 50)


def removed(path: Path) -> None:
    path.unlink()


HARM = (flip, empty, cut, null, foreign, deep, no_text, removed)


def quiet(project: Project) -> None:
    """Commands that only look, and gc, end without a traceback."""
    for words in (("status", "--json"), ("gc",)):
        done = project.run(*words)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_record_is_made_again(project: Project, harm: Callable[[Path], None]) -> None:
    entry = entry_of(project, "middle")
    harm(entry / "record.json")
    status = json.loads(project.run("status", "--json").stdout)
    assert status["runs"][0]["state"] != "done"
    code, document, err = project.reproduce()
    assert (code, scores(document)) == (0, SCORES), err
    assert [s["cached"] for s in document["runs"][0]["steps"]] == [True, False, True]
    assert len(list(project.runs.glob("quarantine/*"))) == 1


@pytest.mark.parametrize("harm", [cut, null, deep, removed])
def test_a_damaged_plan_is_named_and_skipped(
    project: Project, harm: Callable[[Path], None]
) -> None:
    (plan,) = project.runs.glob("plans/*.json")
    harm(plan)
    done = project.run("status")
    assert done.returncode == 0
    assert harm is removed or str(plan) in done.stderr
    document = json.loads(project.run("gc", "--store", "--dry-run", "--json").stdout)
    gone = {one["kind"] for one in document["found"]}
    assert gone == ({"store"} if harm is removed else {"plan"})
    code, document, err = project.reproduce()
    assert (code, scores(document)) == (0, SCORES), err


def test_what_a_step_wrote_has_a_stamp_of_its_record(finished: Path) -> None:
    store = Store(RunLayout(finished))
    entries = list(store.layout.entries())
    assert len(entries) == 3
    for entry in entries:
        record = store.record_of(entry)
        assert record
        assert stamped(entry, record).keys() == record["outputs"].keys()


@pytest.mark.parametrize("harm", [flip, deep, foreign, removed])
def test_a_damaged_stamp_costs_no_more_than_hashing(
    project: Project, harm: Callable[[Path], None]
) -> None:
    harm(entry_of(project, "middle") / "stamp.json")
    code, document, err = project.reproduce()
    assert (code, scores(document)) == (0, SCORES), err
    assert all(s["cached"] for s in document["runs"][0]["steps"])


@pytest.mark.parametrize("harm", [empty, null, no_text])
def test_records_of_failed_attempts_and_of_runs_may_be_damaged(
    project: Project, harm: Callable[[Path], None]
) -> None:
    project.write(step("middle", "raise SystemExit(1)"))
    assert project.reproduce()[0] == 6
    for pattern in ("attempts/*/record.json", "runs/*.json"):
        for path in project.runs.glob(pattern):
            harm(path)
    quiet(project)
    project.write(GOOD)
    code, document, err = project.reproduce()
    assert (code, scores(document)) == (0, SCORES), err


@pytest.mark.parametrize("name", ["first", "middle", "last"])
def test_a_flipped_byte_of_an_output_never_reaches_a_score(project: Project, name: str) -> None:
    entry = entry_of(project, name)
    (file,) = (path for path in (entry / "out").iterdir())
    flip(file)
    code, document, err = project.reproduce()
    assert (code, scores(document)) == (0, SCORES), err
    assert str(file) in err


def test_trust_store_takes_files_of_the_recorded_size(project: Project) -> None:
    file = entry_of(project, "middle") / "out" / "file"
    flip(file)
    damaged = file.read_bytes()
    code, document, _ = project.reproduce("--trust-store")
    assert code == 0
    assert all(s["cached"] for s in document["runs"][0]["steps"])
    assert file.read_bytes() == damaged
    cut(file)
    code, document, _ = project.reproduce("--trust-store")
    assert code == 0
    assert not document["runs"][0]["steps"][1]["cached"]


def test_verify_store_names_and_repairs_what_is_damaged(project: Project) -> None:
    whole = project.run("verify", "--store", "--json")
    assert whole.returncode == 0
    assert json.loads(whole.stdout)["damaged"] == []
    flip(entry_of(project, "middle") / "out" / "file")
    empty(entry_of(project, "last") / "record.json")
    cut(next(project.runs.glob("runs/*.json")))
    found = project.run("verify", "--store", "--json")
    document = json.loads(found.stdout)
    assert found.returncode == 4
    assert sorted(one["kind"] for one in document["damaged"]) == ["run", "step", "step"]
    assert all(one["moved_to"] is None for one in document["damaged"])
    repaired = project.run("verify", "--store", "--repair", "--json")
    assert repaired.returncode == 0
    assert all(Path(one["moved_to"]).exists() for one in json.loads(repaired.stdout)["damaged"])
    code, document, err = project.reproduce()
    assert (code, scores(document)) == (0, SCORES), err
    assert [s["cached"] for s in document["runs"][0]["steps"]] == [True, False, False]
    assert project.run("verify", "--store").returncode == 0


def test_repair_without_store_is_refused(project: Project) -> None:
    assert project.run("verify", "--repair").returncode == 2


def test_damaged_packages_are_staged_again(project: Project) -> None:
    for path in project.runs.glob("packages/*/sitecustomize.py"):
        flip(path)
    project.write(step("middle", GOOD["argv"][2] + "\n"))
    code, document, err = project.reproduce()
    assert (code, scores(document)) == (0, SCORES), err
    assert list(project.runs.glob("quarantine/*/sitecustomize.py"))
