"""Faults, injected for real into the real command: right exit code, message, nothing half done."""

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.project import Project, finish, interrupt, step, wait_for, writes

GOOD = step("middle", writes("middle"))


def only_error(document: dict[str, Any]) -> str:
    errors = [s["error"] for run in document["runs"] for s in run["steps"] if s["error"]]
    return "\n".join(errors)


def test_a_chain_runs_and_a_second_call_runs_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, GOOD)
    code, first, _ = project.reproduce()
    assert code == 0
    assert first["runs"][0]["status"] == "done"
    assert first["runs"][0]["scores"] == {"J": 50, "F": 40, "JF": 45}
    assert [s["cached"] for s in first["runs"][0]["steps"]] == [False] * 3
    code, second, _ = project.reproduce()
    assert code == 0
    assert [s["cached"] for s in second["runs"][0]["steps"]] == [True] * 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("pass", "file"),
        (writes("x"), "2 bytes"),
        ("raise SystemExit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import sys; print('last words'); sys.exit(1)", "last words"),
    ],
)
def test_a_broken_step_is_named_and_stops_what_reads_it(
    tmp_path: Path, code: str, words: str
) -> None:
    project = Project(tmp_path, step("middle", code))
    exit_code, document, _ = project.reproduce()
    assert exit_code == 6
    error = only_error(document)
    assert "step middle (toy, stage 2)" in error
    assert words in error
    assert project.published() == ["first"]
    project.write(GOOD)
    assert project.reproduce()[0] == 0


def test_a_step_past_its_time_limit_is_stopped(tmp_path: Path) -> None:
    limit = {"paper": {"cpus": 1, "memory_gb": 1, "time_limit_hours": 1 / 3600}}
    slow = step("middle", "import time; time.sleep(600)", resources=limit)
    code, document, _ = Project(tmp_path, slow).reproduce()
    assert code == 6
    assert "time-out" in only_error(document)


def test_a_step_cannot_change_its_inputs(tmp_path: Path) -> None:
    vandal = "import sys; open(sys.argv[2], 'w').write('changed')\n" + writes("middle")
    project = Project(tmp_path, step("middle", vandal, inputs={"file": "steps.first.file"}))
    code, document, _ = project.reproduce()
    assert code == 6
    assert re.search("changed its inputs|Read-only file system", only_error(document))
    # Either the sandbox refused the write, or the change was seen and the input set aside.
    for record in project.runs.glob("store/*/*/record.json"):
        assert (record.parent / "out" / "file").read_text() == "first"


def _sleeper(tmp_path: Path) -> tuple[dict[str, Any], Path]:
    code = "import sys, time; open(sys.argv[1] + '/half', 'w').write('half'); time.sleep(600)"
    return step("middle", code), tmp_path


def started(project: Project) -> Path:
    """Wait until the middle step has written its half."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = list(project.runs.glob("attempts/*/out/half"))
        if found:
            return found[0]
        time.sleep(0.02)
    raise AssertionError("the step never started")


def test_kill_9_of_harness_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    sleeper, _ = _sleeper(tmp_path)
    project = Project(tmp_path, sleeper)
    process = project.start()
    half = started(project)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert project.published() == ["first"]
    project.write(GOOD)
    code, document, _ = project.reproduce()
    assert code == 0
    assert [s["cached"] for s in document["runs"][0]["steps"]] == [True, False, False]
    project.write(sleeper)
    again = project.start()
    end = time.monotonic() + 60
    while half.exists() and time.monotonic() < end:  # the dead attempt goes when its key is leased
        time.sleep(0.02)
    assert not half.exists()
    interrupt(again)
    finish(again)


def test_a_step_dies_with_harness(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    code = (
        "import sys, time\nopen(sys.argv[1] + '/half', 'w').write('x')\n"
        "while True:\n    open(sys.argv[1] + '/beat', 'a').write('.'); time.sleep(0.05)"
    )
    project = Project(tmp_path, step("middle", code))
    process = project.start()
    beat = started(project).with_name("beat")
    wait_for(beat)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    end = time.monotonic() + 30
    size = -1
    while beat.stat().st_size != size and time.monotonic() < end:
        size = beat.stat().st_size
        time.sleep(0.5)
    assert beat.stat().st_size == size


def test_ctrl_c_stops_politely_and_says_130(tmp_path: Path) -> None:
    project = Project(tmp_path, _sleeper(tmp_path)[0])
    process = project.start()
    started(project)
    interrupt(process)
    code, document, _ = finish(process)
    assert code == 130
    assert document["runs"][0]["status"] == "interrupted"
    assert project.published() == ["first"]
    assert not list(project.runs.glob("attempts/*"))


def test_two_harnesses_on_one_plan_run_each_step_once(tmp_path: Path) -> None:
    slow = step("middle", "import time; time.sleep(1)\n" + writes("middle"))
    project = Project(tmp_path, slow)
    ends = [finish(process) for process in (project.start(), project.start())]
    assert [code for code, _, _ in ends] == [0, 0]
    cached = [[s["cached"] for s in document["runs"][0]["steps"]] for _, document, _ in ends]
    assert [sum(not c for c in column) for column in zip(*cached, strict=True)] == [1, 1, 1]
    assert not list(project.runs.glob("attempts/*"))


def test_the_missing_docker_daemon_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path, GOOD)
    project.environ["DOCKER_HOST"] = f"unix://{tmp_path}/nowhere.sock"
    code, document, _ = project.reproduce("--runtime", "docker")
    assert code == 3
    assert "nowhere.sock" in document["error"]
    assert "--runtime process" in document["error"]
    assert [one["name"] for one in document["missing"]] == ["engine"]


def test_status_logs_and_why_read_what_happened(tmp_path: Path) -> None:
    project = Project(tmp_path, GOOD)
    project.reproduce()
    runs = json.loads(project.run("status", "--json").stdout)["runs"]
    assert [run["state"] for run in runs] == ["done"]
    name = runs[0]["name"]
    assert project.run("logs", f"{name}/middle").returncode == 0
    assert "finished under its key" in project.run("why", f"{name}/middle").stdout
    project.write(step("middle", writes("other")))
    project.reproduce("--until", "first")
    assert project.run("logs", f"{name}/nothing").returncode == 2


def test_why_names_the_part_that_differs(tmp_path: Path) -> None:
    project = Project(tmp_path, GOOD)
    project.reproduce()
    project.write(step("middle", "raise SystemExit(1)"))
    project.reproduce()
    run = json.loads(project.run("status", "--json").stdout)["runs"][0]["name"]
    found = json.loads(project.run("why", f"{run}/middle", "--json").stdout)
    assert [one["name"] for one in found["differences"]] == ["argv"]
