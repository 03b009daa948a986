"""`harness.toml` as commands use it: options before variables before files."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.project import Project, step, writes


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path, step("middle", writes("middle")))
    found.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    return found


def argv(project: Project, *words: str) -> list[str]:
    """The command line without --runs, which settings give here."""
    whole = project.argv(*words)
    at = whole.index("--runs")
    return whole[:at] + whole[at + 2 :]


def plan(project: Project, *words: str, **environ: str) -> dict[str, Any]:
    command = argv(project, "plan", "toy", "--seeds", "1", "--losses", "none", "--json", *words)
    env = {**project.environ, **environ}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def runtime_of(document: dict[str, Any]) -> Any:
    return document["runs"][0]["run"]["runtime"]


def test_an_option_counts_before_a_variable_before_the_file(project: Project) -> None:
    (project.root / "harness.toml").write_text("runtime = 'process'\n")
    assert runtime_of(plan(project)) == "process"
    assert runtime_of(plan(project, HARNESS_RUNTIME="podman")) == "podman"
    assert runtime_of(plan(project, "--runtime", "docker", HARNESS_RUNTIME="podman")) == "docker"


def test_a_folder_that_is_wrong_is_named_with_the_file(project: Project) -> None:
    (project.root / "harness.toml").write_text("runtime = 'process'\ndata = 'nowhere'\n")
    error = plan(project)["error"]
    assert error.startswith(f"{project.root}/harness.toml:2: data =")
    assert "there is no such folder" in error
    error = plan(project, HARNESS_DATA="/nowhere-else")["error"]
    assert error.startswith("HARNESS_DATA /nowhere-else: ")


def test_a_usual_stack_is_for_methods_that_have_it(project: Project) -> None:
    stacks = project.root / "manifests" / "stacks.yaml"
    stacks.write_text(
        stacks.read_text() + stacks.read_text().split("\n", 1)[1].replace("host", "other")
    )
    (project.root / "harness.toml").write_text("runtime = 'process'\nstack = 'other'\n")
    assert plan(project)["runs"][0]["run"]["stack"] == "host"
    (project.root / "harness.toml").write_text("runtime = 'process'\nstack = 'othre'\n")
    found = plan(project)
    assert "'othre'" in found["error"]
    assert "did you mean 'other'?" in found["hint"]
    assert plan(project, "--stack", "other")["error"] == "toy does not run on stack 'other'"


def test_runs_of_the_file_need_not_be_there_to_be_looked_into(project: Project) -> None:
    (project.root / "harness.toml").write_text("runs = 'elsewhere'\n")
    command = argv(project, "status", "--json")
    done = subprocess.run(command, env=project.environ, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["runs"] == []
    assert done.returncode == 0


def test_config_shows_what_set_each_value(project: Project) -> None:
    (project.root / "harness.toml").write_text(
        "jobs = 4\nnotify = 'https://hooks.example/services/secret'\n"
    )
    command = argv(project, "config", "--json")
    done = subprocess.run(
        command,
        env={**project.environ, "HARNESS_RUNS": "/somewhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    rows = {row["name"]: row for row in found["settings"]}
    assert rows["jobs"]["value"] == "4"
    assert rows["jobs"]["origin"] == f"{project.root}/harness.toml:1"
    assert rows["runs"] == {"name": "runs", "value": "/somewhere", "origin": "HARNESS_RUNS"}
    assert rows["stack"]["value"] is None
    assert "secret" not in done.stdout
    assert [file["found"] for file in found["files"]] == [True, False]
