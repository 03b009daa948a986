"""`harness record` on real runs of the demo, up to its CAMs, that differ in one thing each."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.outputs import valid
from tests.services.docker_engine import BASE

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schema"
RUN = "demo-tiny-isl-s1-smoke"
Change = Callable[[str], str]

pytestmark = pytest.mark.slow


def harness(*words: str, project: Path = ROOT) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words, "--project", str(project), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return valid(done.stdout)


def reproduce(runs: Path, *words: str, project: Path = ROOT) -> dict[str, Any]:
    asked = ("--scale", "smoke", "--losses", "isl", "--runtime", "process", "--until", "cam")
    seed = () if "--seed" in words else ("--seed", "1")
    return harness("reproduce", "demo", *asked, *seed, *words, "--runs", str(runs), project=project)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs that all others are compared with."""
    runs = tmp_path_factory.mktemp("base") / "runs"
    reproduce(runs)
    return runs


def changed_project(folder: Path, change: Change) -> Path:
    """A copy of the project whose manifest of the demo is changed."""
    project = folder / "project"
    for name in ("manifests", "patches", "dockerfiles"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy(ROOT / "harness.lock", project)
    manifest = project / "manifests" / "methods" / "demo.yaml"
    text = manifest.read_text(encoding="utf-8")
    assert change(text) != text
    manifest.write_text(change(text), encoding="utf-8")
    return project


def in_step(name: str, old: str, new: str) -> Change:
    """Replace the first `old` behind the beginning of a step."""

    def change(text: str) -> str:
        before, start, step = text.partition(f"  - name: {name}\n")
        return before + start + step.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("words", "fact", "sides"),
    [
        (("--seed", "2"), "run.seed", [1, 2]),
        (("--option", "losses-mode=reference"), "option.losses-mode", ["exact", "reference"]),
    ],
    ids=["seed", "option"],
)
def test_what_was_asked_for_is_named_first(
    base: Path, tmp_path: Path, words: tuple[str, ...], fact: str, sides: list[Any]
) -> None:
    reproduce(tmp_path / "runs", *words)
    runs = harness("record", "list", "--runs", str(tmp_path / "runs"))["runs"]
    place = ("--runs", str(base), "--with", str(tmp_path / "runs"))
    found = harness("record", "diff", RUN, runs[0]["name"], *place)
    first = found["differences"][0]
    assert (found["suspect"], first["name"], [first["left"], first["right"]]) == (fact, fact, sides)
    assert found["diverging"] == "train-cam"
    assert found["equal_scores"] is False


@pytest.mark.parametrize(
    ("change", "fact", "kind", "diverging"),
    [
        (
            in_step("data", '- --seed\n      - "1"', '- --seed\n      - "7"'),
            "argument.--seed",
            "data or weights",
            "data",
        ),
        (
            in_step("train-cam", "threads: {paper: 1, smoke: 1}", "threads: {paper: 1, smoke: 2}"),
            "threads",
            "threads, TF32 or determinism flags",
            None,
        ),
        (
            in_step("train-cam", "MKL_CBWR:", 'HARNESS_TF32: "1"\n      MKL_CBWR:'),
            "determinism.matmul_tf32",
            "threads, TF32 or determinism flags",
            None,
        ),
    ],
    ids=["data", "threads", "tf32"],
)
def test_what_the_manifest_changed_is_named_first(
    base: Path, tmp_path: Path, change: Change, fact: str, kind: str, diverging: str | None
) -> None:
    reproduce(tmp_path / "runs", project=changed_project(tmp_path, change))
    found = harness("record", "diff", RUN, "--runs", str(base), "--with", str(tmp_path / "runs"))
    assert (found["suspect"], found["differences"][0]["kind"]) == (fact, kind)
    if diverging:
        assert found["diverging"] == diverging


def test_a_patch_is_named_first_and_changes_nothing_without_losses(tmp_path: Path) -> None:
    """The patched script without losses gives what the upstream one does, bit for bit."""

    def unpatched(text: str) -> str:
        return text.replace("demo-classifier: [losses]", "demo-classifier: []")

    reproduce(tmp_path / "patched", "--losses", "none")
    project = changed_project(tmp_path, unpatched)
    reproduce(tmp_path / "upstream", "--losses", "none", project=project)
    places = ("--runs", str(tmp_path / "patched"), "--with", str(tmp_path / "upstream"))
    found = harness("record", "diff", "demo-tiny-none", *places)
    assert found["suspect"] == "source.demo-classifier.patch.losses"
    assert found["differences"][0]["right"] is None
    assert found["equal_scores"] is True
    assert found["explanation"].startswith("The scores and outputs are equal")


def shown(name: str, runs: Path) -> dict[str, Any]:
    """The one record of `record show`."""
    (row,) = harness("record", "show", name, "--runs", str(runs))["records"]
    record: dict[str, Any] = row["record"]
    return record


def test_real_records_are_as_their_schemas_say(base: Path) -> None:
    step_schema = json.loads((SCHEMAS / "step_record.schema.json").read_text())
    run_schema = json.loads((SCHEMAS / "run_record.schema.json").read_text())
    for schema in (step_schema, run_schema):
        jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(shown(RUN, base), run_schema)
    steps = harness("record", "list", "--steps", "--runs", str(base))["steps"]
    assert [one["name"] for one in steps] == ["data", "train-cam", "infer-cam", "score-cam"]
    for one in steps:
        record = shown(one["key"], base)
        jsonschema.validate(record, step_schema)
        assert record["use"]["peak_memory_gb"] > 0
        assert (
            record["log"]["bytes"]
            == (base / "store" / one["key"][:2] / one["key"] / "output.log").stat().st_size
        )
        assert record["code"]["commit"] is None or len(record["code"]["commit"]) == 40
        lock = base / "locks" / record["environment"]["lock"] / "host.lock"
        assert lock.read_bytes() == (ROOT / "dockerfiles" / "demo" / "host.lock").read_bytes()


def test_a_later_cached_call_does_not_hide_where_and_when_steps_ran(base: Path) -> None:
    before = shown(RUN, base)["steps"]
    again = reproduce(base)
    assert all(step["cached"] for step in again["runs"][0]["steps"])
    after = shown(RUN, base)["steps"]
    assert {name: step["status"] for name, step in after.items()} == dict.fromkeys(before, "cached")
    made = {name: step["made"] for name, step in before.items()}
    assert {name: step["made"] for name, step in after.items()} == made
    for name, one in made.items():
        record = shown(f"{RUN}/{name}", base)
        assert (one["start"], one["end"]) == (record["time"]["start"], record["time"]["end"])
        assert one["run"].startswith(RUN)


def test_a_machine_and_project_that_made_a_run_match_it(base: Path, tmp_path: Path) -> None:
    asked = ("record", "check", RUN, "--runs", str(base))
    same = harness(*asked)
    # The tree of harness itself may be edited while tests run.
    assert [one for one in same["differences"] if not one["name"].startswith("harness.")] == []
    assert same["same"] == (same["differences"] == [])
    change = in_step("train-cam", "threads: {paper: 1, smoke: 1}", "threads: {paper: 1, smoke: 2}")
    other = harness(*asked, project=changed_project(tmp_path, change))
    assert other["differences"][0]["name"] == "threads"
    assert other["differences"][0]["steps"] == ["train-cam"]


@pytest.mark.docker
def test_a_run_of_processes_is_rebuilt_in_fresh_containers_bit_for_bit(
    base: Path, tmp_path: Path, docker_host: str
) -> None:
    assert docker_host
    asked = ("record", "rebuild", RUN, "--runs", str(base), "--base", BASE)
    found = harness(*asked, "--into", str(tmp_path / "again"))
    assert found["identical"] is True
    assert found["steps"] == [
        {"name": name, "equal": True} for name in ("data", "train-cam", "infer-cam", "score-cam")
    ]
    assert found["scores"]["cam"][0] == found["scores"]["cam"][1]
    place = ("--runs", str(base), "--with", str(tmp_path / "again"))
    difference = harness("record", "diff", RUN, found["rebuilt"], *place)
    assert difference["equal_scores"] is True


def test_another_project_does_not_rebuild_a_run(base: Path, tmp_path: Path) -> None:
    change = in_step("train-cam", "threads: {paper: 1, smoke: 1}", "threads: {paper: 1, smoke: 2}")
    asked = ("record", "rebuild", RUN, "--runs", str(base), "--into", str(tmp_path / "again"))
    done = subprocess.run(
        [sys.executable, "-m", "harness", *asked, "--project", changed_project(tmp_path, change)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "threads 1 → 2" in done.stderr
    assert "hint: use the project at harness" in done.stderr
