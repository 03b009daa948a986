"""`harness method new` against a real repository: it pins, writes, plans, and takes back what fails."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.errors import HarnessError, SourceMismatch, UsageError
from tests.golden import PROJECT
from tests.integration.conftest import SourceProject
from tests.outputs import valid


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's manifests, recipes and patches."""
    root = tmp_path / "own"
    for name in ("manifests", "dockerfiles", "patches"):
        shutil.copytree(PROJECT.root / name, root / name)
    shutil.copy(PROJECT.lock, root / PROJECT.lock.name)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "own-cache"))
    return root


def run(*words: str) -> Any:
    """Run a command in this process; its JSON. Errors of harness come through."""
    done = CliRunner().invoke(app, [*words, "--json"])
    if isinstance(done.exception, HarnessError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return valid(done.stdout)


def new(project: Path, source_project: SourceProject, name: str = "mine", **changes: str) -> Any:
    words = {
        "url": source_project.repository.url,
        "commit": source_project.repository.commit,
    } | changes
    more = ("--project", str(project), "--mirror", str(source_project.mirror))
    return run("method", "new", name, *(f"--{k}={v}" for k, v in words.items()), *more)


def listing(project: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_a_new_method_plans_as_it_stands(project: Path, source_project: SourceProject) -> None:
    written = new(project, source_project)["written"]
    assert str(project / "manifests" / "methods" / "mine.yaml") in [one["name"] for one in written]
    pinned = yaml.safe_load((project / "manifests" / "repos.yaml").read_text())["repositories"]
    assert pinned["mine"]["tree"] == source_project.tree("HEAD")
    date = subprocess.check_output(
        ["git", "-C", str(source_project.upstream), "log", "-1", "--format=%cs"], text=True
    )
    assert pinned["mine"]["date"] == date.strip()
    runs = str(project / "runs")
    plan = run("plan", "mine", "--project", str(project), "--runs", runs, "--runtime", "docker")
    assert len(plan["runs"]) == 20
    names = {step["name"] for step in plan["steps"]}
    assert {"lists", "train-cam", "pseudo-labels", "train-final", "score-final"} <= names


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("seam", {}, "'seam' is taken"),
        ("irn", {}, "'irn' is taken"),
        ("My Method", {}, "is no name"),
        ("mine", {"commit": "abc123"}, "a pin is a full commit id"),
    ],
)
def test_what_cannot_be_is_refused(
    project: Path, source_project: SourceProject, name: str, changes: dict[str, str], what: str
) -> None:
    before = listing(project)
    with pytest.raises(UsageError, match=what):
        new(project, source_project, name, **changes)
    assert listing(project) == before


def test_a_commit_that_is_not_there_leaves_nothing_behind(
    project: Path, source_project: SourceProject
) -> None:
    before = listing(project)
    with pytest.raises(SourceMismatch, match="no such commit"):
        new(project, source_project, commit="a" * 40)
    assert listing(project) == before


def test_a_template_that_does_not_load_is_taken_back(
    project: Path, source_project: SourceProject
) -> None:
    template = project / "manifests" / "templates" / "method.yaml"
    template.write_text(template.read_text() + "unknown: true\n")
    before = listing(project)
    with pytest.raises(HarnessError, match="unknown key"):
        new(project, source_project)
    assert listing(project) == before
    template.write_text(template.read_text().replace("unknown: true\n", ""))
    assert new(project, source_project)["written"]
