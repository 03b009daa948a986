"""What a person sees of an execution at a real terminal, and how it ends: golden screens."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.project import Project, step, writes
from tests.screens import CTRL_C, Terminal, check_screen, folder, screen

SAYS = "import sys, time\nprint('3 of 9', flush=True)\n"
WAITS = SAYS + "time.sleep(600)"
KILLED = SAYS + "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
ASKED = ("reproduce", "toy", "--losses", "none", "--runtime", "process", "--no-report")
PROGRESS = r"(?P<at>\d+) of (?P<of>\d+)"
#: What moves while it is looked at.
MOVING = {r"[━╸╺]+": "━━━", r"\d+%": "N%", r"\d+/(\d+)  (?=\d)": r"N/\1  "}
FOLDER = {r"/tmp/h-\w{8}": "/tmp/h-"}


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """Environments are looked into once."""
    with folder() as root:
        yield root


@pytest.fixture
def project(cache: Path) -> Iterator[Project]:
    with folder() as root:
        project = Project(root, middle(WAITS))
        project.environ["HARNESS_CACHE"] = str(cache)
        yield project


def middle(code: str) -> dict[str, Any]:
    return step("middle", code, progress=PROGRESS)


def start(project: Project, *more: str, columns: int = 80) -> Terminal:
    return Terminal(project.argv(*ASKED, *more), columns=columns, environ=project.environ)


def look(project: Project, *words: str, columns: int = 80) -> str:
    return screen(project.argv(*words), columns, 24, project.environ)


@pytest.mark.parametrize("columns", [80, 120])
def test_running_and_interrupted(project: Project, columns: int) -> None:
    with start(project, "--seeds", "2", columns=columns) as terminal:
        running = terminal.wait_for("middle +3/9")
        check_screen(f"running-{columns}", running, replace=MOVING)
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        check_screen(f"interrupted-{columns}", terminal.text)
    stopped = look(project, "status", columns=columns)
    check_screen(f"status-stopped-{columns}", stopped)


def test_the_same_command_goes_on_and_a_second_one_has_nothing_to_do(project: Project) -> None:
    with start(project, "--seeds", "1") as terminal:
        terminal.wait_for("middle +3/9")
        terminal.type(CTRL_C)
        terminal.end()
    project.write(middle(writes("middle")))
    with start(project, "--seeds", "1") as terminal:
        assert terminal.end() == 0
        check_screen("gone-on", terminal.text, replace=FOLDER)
    with start(project, "--seeds", "1") as terminal:
        assert terminal.end() == 0
        check_screen("second-call", terminal.text, replace=FOLDER)
    check_screen("status-done", look(project, "status"))
    check_screen("why-done", look(project, "why", "1/middle"), replace=FOLDER)
    check_screen("logs-done", look(project, "logs", "1"))


def test_a_killed_step(project: Project) -> None:
    project.write(middle(KILLED))
    with start(project, "--seeds", "2", "--retries", "0") as terminal:
        assert terminal.end() == 6
        check_screen("killed", terminal.text, replace=FOLDER)
    check_screen("status-failed", look(project, "status"))
    check_screen("why-failed", look(project, "why", "1/middle"), replace=FOLDER)
    check_screen("why-waiting", look(project, "why", "2/last"), replace=FOLDER)
    check_screen("logs-failed", look(project, "logs", "2"))


def test_names_of_steps_may_be_short_and_must_be_of_one(project: Project) -> None:
    project.write_steps(
        step("train-cam", writes("cam")), step("train-seg", writes("seg")), step("score", "pass")
    )
    with start(project, "--seeds", "1") as terminal:
        assert terminal.end() == 6
    assert "score failed" in look(project, "why", "1/s")
    assert "1/train: 2 steps begin so" in look(project, "why", "1/train")
    assert "one of: train-cam, train-seg" in look(project, "logs", "1/train")
    assert "train-seg is done" in look(project, "why", "toy/train-s")
    assert "7: no such run" in look(project, "logs", "7")


def test_without_a_terminal_there_are_plain_lines(project: Project) -> None:
    project.write(middle(KILLED))
    code, _, err = project.reproduce("--retries", "0")
    assert code == 6
    lines = err.splitlines()
    assert lines[1].startswith("done    1/3  first ")
    assert lines[2].startswith("failed  1/3  middle ")
    assert lines[2].endswith("[signal]")
    assert lines[3] == "failed: 1 of 3 steps done, 1 failed, 1 waiting for what failed"
    assert lines[-3].startswith("next: harness logs 1/middle --project ")
    assert "\x1b" not in err
    assert "━" not in err


@dataclass(frozen=True)
class Demo:
    """The real demo on a fresh `runs/`."""

    root: Path

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "harness", *words, "--runs", str(self.root / "runs")]

    @property
    def environ(self) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("HARNESS_")}
        return {**plain, "HARNESS_CACHE": str(self.root / "cache")}

    def start(self, columns: int = 80) -> Terminal:
        words = ("--seeds", "1", "--losses", "none", "--until", "cam", "--runtime", "process")
        return Terminal(
            self.argv("reproduce", "demo", *words), columns=columns, environ=self.environ
        )


@pytest.mark.slow
def test_the_demo_running_interrupted_resumed_and_done() -> None:
    scores = {r"\b\d\d\.\d\b": "##.#", **FOLDER}
    with folder() as root:
        demo = Demo(root)
        with demo.start() as terminal:
            check_screen("demo-running", terminal.wait_for(r"train-cam +\d+/15"), replace=MOVING)
            terminal.type(CTRL_C)
            assert terminal.end() == 130
            check_screen("demo-interrupted", terminal.text)
        for name, columns in (("demo-resumed", 120), ("demo-second-call", 80)):
            with demo.start(columns) as terminal:
                assert terminal.end() == 0
                check_screen(name, terminal.text, replace=scores)
        status = screen(demo.argv("status"), environ=demo.environ)
        check_screen("demo-status", status, replace=scores)
