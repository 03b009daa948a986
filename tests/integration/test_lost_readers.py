"""Output that nobody reads any more: what runs goes on, and is told of in files."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_faults import GOOD
from tests.project import Project, step, writes

_WORDS = ("reproduce", "toy", "--losses", "none", "--seeds", "1", "--runtime", "process")
#: Waits until its reader is gone, so that there is more to print then.
_WAITS = (
    "import sys, os, time\n"
    "open(sys.argv[1] + '/half', 'w').write('half')\n"
    "while not os.path.exists(sys.argv[1] + '/go'): time.sleep(0.05)\n" + writes("middle")
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, step("middle", _WAITS))


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


def test_a_reader_of_stdout_that_is_gone_ends_what_only_prints(tmp_path: Path) -> None:
    project = Project(tmp_path, GOOD)
    assert project.reproduce()[0] == 0
    with subprocess.Popen(
        project.argv("logs", "toy/middle", "--follow"), env=project.environ, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.close()
    assert running.returncode in {0, 1}
