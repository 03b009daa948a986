"""The same call with nothing changed since is answered from a note; any change is looked at."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import again
from harness.cli import again as notes
from tests.project import Project, step, writes

SEED = ("reproduce", "toy", "--losses", "none", "--seeds", "1", "--runtime", "process")
CALL = (*SEED, "--no-report")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose steps are done, and whose last call left a note."""
    found = Project(tmp_path, step("middle", writes("middle")))
    found.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    for _ in range(2):  # the first runs the steps
        assert call(found)[0] == 0
    assert not planned(found)
    return found


def call(project: Project, *more: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the call."""
    done = project.run(*CALL, *more)
    return done.returncode, done.stdout, done.stderr


def planned(project: Project, *more: str, cwd: Path | None = None) -> bool:
    """Whether the call planned: only then it needs typer."""
    argv = project.argv(*CALL, *more)
    told = [argv[0], "-X", "importtime", *argv[1:]]
    done = subprocess.run(
        told, env=project.environ, capture_output=True, text=True, check=False, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return " typer" in done.stderr


def only(paths: "list[Path]") -> Path:
    (found,) = paths
    return found


def stored(project: Project) -> Path:
    """The file of the step in the middle: its outputs stay, because the user may read them."""
    return next(one for one in project.runs.glob("store/*/*/out/file") if b"m" in one.read_bytes())


def flip(file: Path) -> None:
    """Change a byte; size and modification time stay."""
    times = file.stat()
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_it_prints_the_same_without_planning(project: Project) -> None:
    first = call(project)
    assert "3 of 3 steps were done already" in first[2]
    assert not planned(project)
    assert call(project) == first


def test_machines_get_the_same_answer(project: Project) -> None:
    first = call(project, "--json")
    assert call(project, "--json") == first
    assert not planned(project, "--json")


def test_a_report_is_there_afterwards(project: Project) -> None:
    report = project.runs / "report.html"
    for gone in (False, True):
        for _ in range(2):
            assert project.run(*SEED).returncode == 0
        page = report.read_bytes()
        assert f"report: {report}" in project.run(*SEED).stderr
        assert report.read_bytes() == page
        if not gone:
            report.unlink()


CHANGES: dict[str, Callable[[Project], object]] = {
    "a manifest": lambda p: append(p.root / "manifests/methods/toy.yaml", "# said\n"),
    "a stack": lambda p: append(p.root / "manifests/stacks.yaml", "# said\n"),
    "a lock of packages": lambda p: append(p.root / "dockerfiles/toy/host.lock", "# said\n"),
    "the lock": lambda p: append(p.root / "harness.lock", "# said\n"),
    "a patch": lambda p: append(p.root / "patches/toy/one.patch", "said\n"),
    "settings of the project": lambda p: append(p.root / "harness.toml", "jobs = 3\n"),
    "settings of the user": lambda p: append(
        Path(p.environ["XDG_CONFIG_HOME"], "harness/harness.toml"), "jobs = 3\n"
    ),
    "a variable": lambda p: p.environ.update(HARNESS_JOBS="3"),
    "a stored byte": lambda p: flip(stored(p)),
    "a stored file": lambda p: stored(p).unlink(),
    "a step's record": lambda p: (stored(p).parents[1] / "record.json").unlink(),
    "a byte of a step's record": lambda p: flip(stored(p).parents[1] / "record.json"),
    "a run's record": lambda p: only(list(p.runs.glob("runs/*.json"))).unlink(),
    "the numbers of runs": lambda p: (p.runs / "numbers.json").unlink(),
    "the plan": lambda p: append(only(list(p.runs.glob("plans/*.json"))), "x"),
    "another plan": lambda p: append(p.runs / "plans/0123456789abcdef.json", "{"),
    "what somebody dropped": lambda p: append(p.runs / "dropped/one", "x"),
    "the note": lambda p: flip(only(list(Path(p.environ["HARNESS_CACHE"]).glob("again/*")))),
}


def append(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as stream:
        stream.write(text)


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_looked_at(project: Project, what: str) -> None:
    CHANGES[what](project)
    assert planned(project)


def test_what_was_damaged_is_made_again_not_answered(project: Project) -> None:
    flip(stored(project))
    code, _, said = call(project)
    assert code == 0
    assert "step middle (toy, stage 2) runs again" in said
    assert stored(project).read_text() == "middle"


def test_a_project_that_came_nearer_is_found(project: Project) -> None:
    here = project.root / "below"
    here.mkdir()
    words = project.argv(*CALL)
    at = words.index("--project")
    project.argv = lambda *_: words[:at] + words[at + 2 :]  # type: ignore[method-assign]
    assert planned(project, cwd=here)
    assert not planned(project, cwd=here)
    append(here / "manifests/repos.yaml", "")
    done = subprocess.run(
        project.argv(), env=project.environ, capture_output=True, text=True, check=False, cwd=here
    )
    assert done.returncode == 2
    assert str(here / "manifests") in done.stderr


def test_where_folders_are_links_nothing_is_noted(project: Project) -> None:
    inside = project.root / "manifests/methods"
    inside.rename(project.root / "methods")
    inside.symlink_to(project.root / "methods")
    assert planned(project)
    assert planned(project)


def test_the_answered_plan_becomes_the_newest(project: Project) -> None:
    mine = only(list(project.runs.glob("plans/*.json")))
    assert project.run(*CALL, "--until", "first").returncode == 0
    assert newest(project) != mine
    for _ in range(2):  # the first writes the run's record anew
        call(project)
    os.utime(mine, (0, 0))
    assert newest(project) != mine
    assert not planned(project)
    assert newest(project) == mine


def newest(project: Project) -> Path:
    return max(project.runs.glob("plans/*.json"), key=lambda one: one.stat().st_mtime_ns)


def test_what_was_asked_otherwise_is_no_answer(project: Project) -> None:
    assert planned(project, "--jobs", "1")
    assert planned(project, "--keep")
    notified = project.root / "notified"
    words = ("--notify", f"touch {notified}")
    assert call(project, *words)[0] == 0
    notified.unlink()
    assert planned(project, *words)
    assert notified.exists()


def test_where_the_working_directory_is_gone_it_is_planned(project: Project) -> None:
    here = project.root / "gone"
    here.mkdir()
    argv = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *project.argv(*CALL)]
    environ = project.environ | {"PYTHONPATH": str(Path(again.__file__).parents[1])}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, cwd=here)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 steps were done already" in done.stderr


def test_only_the_newest_notes_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    for number in range(notes._MOST_NOTES + 3):
        monkeypatch.setattr(sys, "argv", ["harness", str(number)])
        notes.write_note({"looked": [], "writes": [], "plan": "", "printed": []})
    assert len(list((tmp_path / "again").iterdir())) == notes._MOST_NOTES
    assert Path(again.note_file()).exists()


def test_a_note_that_cannot_be_left_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    notes.write_note({})
    assert not again.answered()
