"""The archive of a demo run: valid to others, readable by others, and enough for ourselves."""

import importlib.resources
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("HARNESS_CRATE_TOOLS") or ROOT / ".venv-crate" / "bin")
#: Where the context of RO-Crate 1.1 differs from that of 1.3, which the package rocrate ships, in
#: a term that archives use.
CONTEXT_1_1 = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}
#: Terms that 1.3 has and 1.1 has not: an archive must define them itself.
NOT_IN_1_1 = ("buildInstructions", "sha256")


@pytest.fixture(autouse=True)
def _tools(require: Callable[[bool, str], None]) -> None:
    there = all((TOOLS / name).is_file() for name in ("rocrate-validator", "runcrate"))
    require(there, "not installed: roc-validator, runcrate (make crate-tools)")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the demo on this machine."""
    runs = tmp_path_factory.mktemp("demo") / "runs"
    ask = ("--losses", "isl+fsl", "--seeds", "1", "--runtime", "process")
    harness("reproduce", "demo", *ask, "--runs", str(runs), "--project", str(ROOT))
    return runs


@pytest.fixture(scope="module")
def archive(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its archive, as a folder with nothing around."""
    target = tmp_path_factory.mktemp("alone") / "crate"
    harness("record", "export", "demo", "--ro-crate", str(target), "--runs", str(runs))
    return target


def harness(*words: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words], capture_output=True, text=True, check=False,
        cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def tool(name: str, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [str(TOOLS / name), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def context() -> Mapping[str, object]:
    """The context of RO-Crate 1.1, as far as archives use it."""
    shipped = importlib.resources.files("rocrate") / "data" / "ro-crate.jsonld"
    document = json.loads(shipped.read_text(encoding="utf-8"))
    terms = {**document["@context"], **CONTEXT_1_1}
    for name in NOT_IN_1_1:
        terms.pop(name, None)
    return {"@context": terms}


def validate(archive: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    file = folder / "context.jsonld"
    file.write_text(json.dumps(context()))
    seeded = tool("python", ROOT / "tests" / "services" / "seed_context.py", folder / "cache", file)
    assert seeded.returncode == 0, seeded.stderr
    ask = ("--profile-identifier", "provenance-run-crate", "--requirement-severity", "required")
    where = ("--offline", "--cache-path", folder / "cache", "--no-paging", "--verbose")
    return tool("rocrate-validator", "--no-interactive", "validate", *ask, *where, archive)


def test_the_archive_is_a_valid_provenance_run_crate(archive: Path, tmp_path: Path) -> None:
    done = validate(archive, tmp_path)
    assert done.returncode == 0, done.stdout[-5000:]
    assert "is a valid provenance-run-crate" in done.stdout


def test_the_validator_would_see_a_step_without_a_tool(archive: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "crate"
    shutil.copytree(archive, spoilt)
    path = spoilt / "ro-crate-metadata.json"
    document = json.loads(path.read_text())
    step = next(one for one in document["@graph"] if one["@type"] == "HowToStep")
    del step["workExample"]
    path.write_text(json.dumps(document))
    done = validate(spoilt, tmp_path)
    assert done.returncode != 0
    assert "workExample" in done.stdout


def test_another_program_reads_what_ran_and_what_came_out(archive: Path, runs: Path) -> None:
    done = tool("runcrate", "report", archive)
    assert done.returncode == 0, done.stderr
    record = json.loads(next(iter((runs / "runs").glob("*.json"))).read_text())
    assert f"action: #run/{record['id']}\n  instrument: manifests/methods/demo.yaml" in done.stdout
    assert "isl+fsl <- #demo/input/losses" in done.stdout
    assert f"{record['scores']['final']['J']} <- #demo/output/final/J" in done.stdout
    assert done.stdout.count("action: #action/") == len(record["steps"])
    assert "step: #demo/step/train-cam" in done.stdout


@pytest.mark.parametrize(
    "words", [("scores",), ("scores", "--classes"), ("verdict",), ("record", "list")], ids=" ".join
)
def test_commands_show_the_same_from_the_archive_alone(
    words: tuple[str, ...], archive: Path, runs: Path, tmp_path: Path
) -> None:
    expected = harness(*words, "--json", "--runs", str(runs))
    found = harness(*words, "--json", "--from", str(archive), cwd=tmp_path)
    assert json.loads(found) == json.loads(expected)
    assert json.loads(found)
