"""Streams that whoever called had closed, as some schedulers and shells do."""

import subprocess

import pytest

from tests.project import Project, step, writes

_ALL = "<&- >&- 2>&-"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(
        tmp_path_factory.mktemp("closed"), step("middle", f"print('said'); {writes('middle')}")
    )


def call(project: Project, closed: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command with these streams closed."""
    argv = ["sh", "-c", f'exec "$@" {closed}', "sh", *project.argv(*words)]
    return subprocess.run(argv, env=project.environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", _ALL])
@pytest.mark.parametrize("words", [("plan", "toy", "--runtime", "process"), ("doctor",)])
def test_a_closed_stream_ends_nothing(
    project: Project, closed: str, words: tuple[str, ...]
) -> None:
    done = call(project, closed, *words)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert bool(done.stdout) == (closed in {"<&-", "2>&-"})


def test_an_error_keeps_its_code_and_still_is_said(project: Project) -> None:
    assert call(project, _ALL, "plan", "tyo").returncode == 2
    done = call(project, ">&-", "plan", "tyo")
    assert done.returncode == 2
    assert "did you mean 'toy'" in done.stderr


def test_what_a_step_prints_goes_to_its_log_alone(project: Project) -> None:
    words = ("toy", "--losses", "none", "--seeds", "1", "--runtime", "process", "--no-report")
    for _ in range(3):  # runs the steps, leaves a note, is answered from it
        assert call(project, _ALL, "reproduce", *words).returncode == 0
    log = project.run("logs", "toy/middle")
    assert log.stdout == "said\n"
