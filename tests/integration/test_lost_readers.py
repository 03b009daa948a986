"""Output that nobody reads any more: what runs goes on, and is told of in files."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_faults import GOOD
from tests.project import PATIENT, Project

_WORDS = ("reproduce", "toy", "--losses", "none", "--seeds", "1", "--runtime", "process")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, PATIENT)


def assert_finished(project: Project) -> None:
    (run,) = json.loads(project.run("status", "--json").stdout)["runs"]
    assert {one["state"] for one in run["steps"]} == {"done"}
    assert (project.runs / "report.html").is_file()


def test_a_pipe_of_stderr_that_is_closed_ends_no_run(project: Project) -> None:
    with subprocess.Popen(
        project.argv(*_WORDS), env=project.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stderr.readline()
        half = project.started(running)  # type: ignore[arg-type]
        running.stderr.close()
        (half.parent / "go").touch()
        assert b"toy" in running.stdout.read()
    assert running.returncode == 0
    assert_finished(project)


def test_a_pipe_of_both_that_is_closed_leaves_all_done(project: Project) -> None:
    with subprocess.Popen(
        project.argv(*_WORDS), env=project.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        assert running.stdout is not None
        half = project.started(running)  # type: ignore[arg-type]
        running.stdout.close()
        (half.parent / "go").touch()
    assert running.returncode == 1  # as of any command whose stdout nobody reads
    assert_finished(project)


def test_a_terminal_that_is_gone_ends_no_run_that_ignores_it(project: Project) -> None:
    terminal, own = pty.openpty()
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]  # as nohup does
    with subprocess.Popen(
        [*ignoring, *project.argv(*_WORDS)],
        env=project.environ,
        stdin=own,
        stdout=own,
        stderr=own,
        start_new_session=True,
    ) as running:
        os.close(own)
        half = project.started(running)  # type: ignore[arg-type]
        os.close(terminal)
        (half.parent / "go").touch()
    assert running.returncode == 0
    assert_finished(project)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose steps are done."""
    project = Project(tmp_path_factory.mktemp("finished"), GOOD)
    assert project.run(*_WORDS).returncode == 0
    return project


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        ("methods",),
        ("plan", "toy", "--runtime", "process", "--json"),
        ("plan", "tyo", "--json"),
        ("logs", "toy/middle", "--follow"),
        _WORDS,  # answered from a note
    ],
)
def test_an_answer_that_does_not_leave_ends_a_command_quietly(
    finished: Project, words: tuple[str, ...], buffered: bool
) -> None:
    usual = {name: text for name, text in finished.environ.items() if name != "PYTHONUNBUFFERED"}
    environ = usual if buffered else {**usual, "PYTHONUNBUFFERED": "1"}
    for _ in range(2 if words is _WORDS else 0):  # the note is of a call with these variables
        subprocess.run(finished.argv(*words), env=environ, check=True, capture_output=True)
    full, said = _end(finished.argv(*words), environ, "/dev/full")
    assert full in ({0, 3} if words[0] == "logs" else {3}), said
    closed, said = _end(finished.argv(*words), environ, None)
    assert closed in ({0, 1} if words[0] == "logs" else {1}), said


def _end(argv: list[str], environ: dict[str, str], stdout: str | None) -> tuple[int, str]:
    """Exit code and stderr of a command that prints to a file, or to a pipe that is closed."""
    reader, writer = os.pipe() if stdout is None else (None, os.open(stdout, os.O_WRONLY))
    try:
        if reader is not None:
            os.close(reader)
        done = subprocess.run(
            argv, env=environ, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stderr


def test_a_full_disk_of_stderr_ends_no_run(tmp_path: Path) -> None:
    project = Project(tmp_path, GOOD)
    with Path("/dev/full").open("wb") as full:
        for _ in range(3):  # runs the steps, leaves a note, cannot print it
            done = subprocess.run(
                project.argv(*_WORDS),
                env=project.environ,
                stdout=subprocess.PIPE,
                stderr=full,
                check=False,
            )
            assert (done.returncode, b"toy" in done.stdout) == (0, True)
    assert_finished(project)
