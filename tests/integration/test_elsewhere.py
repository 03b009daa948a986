"""A plan says which of its runs are done in another setting, with the command that shows them."""

import shlex
import shutil
from pathlib import Path

import pytest

from tests.project import Project, step, writes

SEEDED = step("middle", writes("middle"), stochastic=True)
SEEDED["argv"] = [*SEEDED["argv"], "--seed", "{seed}"]
ASKED = ("toy", "--losses", "none,isl")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = Project(tmp_path_factory.mktemp("done"), SEEDED)
    assert found.reproduce("--seeds", "2")[0] == 0
    return found


def values(project: Project, *words: str) -> dict[str, str]:
    done = project.run("plan", *words)
    assert done.returncode == 0, done.stderr
    _, _, text = done.stdout.partition("# in all\n")
    return dict(line.split("\t", 1) for line in text.splitlines())


@pytest.mark.parametrize(
    ("words", "narrowed"),
    [
        (("--seeds", "2"), "another runtime"),
        (("--seeds", "5", "--runtime", "process"), "fewer seeds"),
        (("--seed", "2,4", "--runtime", "podman"), "both"),
    ],
)
def test_the_command_shows_the_runs_as_done(
    project: Project, words: tuple[str, ...], narrowed: str
) -> None:
    told = values(project, *ASKED, *words)["done before"]
    count, _, command = told.partition(" of these runs: ")
    assert count == ("1" if narrowed == "both" else "2")
    again = shlex.split(command)
    assert again[:5] == ["harness", "plan", "toy", "--losses", "none"]
    assert again[again.index("--runtime") + 1] == "process"
    found = values(project, *again[2 : again.index("--project")])
    assert found["runs"].endswith("3 done, 0 to do" if count == "1" else "5 done, 0 to do")
    assert "done before" not in found


def test_nothing_is_said_of_what_was_made_from_other_code(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path, {**SEEDED, "argv": [*SEEDED["argv"], "--other"]})
    shutil.copytree(project.runs, other.runs)
    assert "done before" not in values(other, *ASKED, "--seeds", "2")


def test_nothing_is_said_where_the_runs_done_end_before(project: Project) -> None:
    assert "done before" not in values(project, "toy", "--losses", "isl", "--seeds", "2")
