"""Containers under the real command: harness dies, the engine stops, somebody kills, memory ends."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_faults import only_error
from tests.project import Project, finish, interrupt, step, writes
from tests.services.docker_engine import BASE, OwnEngine

pytestmark = pytest.mark.docker
CONTAINED = ("--runtime", "docker", "--base", BASE)


def works(seconds: float, text: str = "middle") -> str:
    """Code that says in out/half which process it is, works for a while, then writes its output."""
    return (
        "import sys, time, uuid\n"
        "open(sys.argv[1] + '/half', 'w').write(uuid.uuid4().hex)\n"
        f"print('working', flush=True); time.sleep({seconds})\n"
        f"print('worked', flush=True); {writes(text).removeprefix('import sys; ')}"
    )


@pytest.fixture
def make(tmp_path: Path, docker_host: str) -> Callable[..., Project]:
    """A project whose steps run in containers of the shared engine."""

    def project(code: str, **fields: Any) -> Project:
        made = Project(tmp_path, step("middle", code, **fields))
        made.environ["DOCKER_HOST"] = docker_host
        return made

    return project


def containers(project: Project) -> list[str]:
    """Names of the containers of this project's steps."""
    label = f"label=harness.runs={project.runs.resolve()}"
    words = ["docker", "ps", "-a", "--filter", label, "--format", "{{.Names}}"]
    done = subprocess.run(words, env=project.environ, capture_output=True, text=True, check=True)
    return done.stdout.split()


def docker(project: Project, *words: str) -> str:
    done = subprocess.run(
        ["docker", *words], env=project.environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def kill(process: "subprocess.Popen[str]") -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def out_of(project: Project, name: str) -> str:
    """A file that the middle step published."""
    for record in project.runs.glob("store/*/*/record.json"):
        if json.loads(record.read_text())["identity"]["step"] == "middle":
            return (record.parent / "out" / name).read_text()
    raise AssertionError("the step was not published")


# --- harness dies, or leaves ------------------------------------------------------------------------


def test_the_next_call_follows_what_a_killed_harness_left_running(
    make: Callable[..., Project],
) -> None:
    project = make(works(8))
    first = project.start(*CONTAINED)
    process = project.started(first).read_text()
    kill(first)
    (name,) = containers(project)
    assert docker(project, "inspect", "-f", "{{.State.Running}}", name) == "true"

    code, document, err = project.reproduce(*CONTAINED)

    assert code == 0, err
    assert f"following {name}" in err
    assert out_of(project, "half") == process  # the very process: the step ran once
    (record,) = project.records()
    assert record["attempt"]["reattached"] == 1
    assert record["attempt"]["owner"]["pid"] == first.pid
    assert record["container"]["name"] == name
    assert record["time"]["seconds"] >= 8
    log = next(path for path in project.runs.glob("store/*/*/output.log") if path.stat().st_size)
    assert log.read_text() == "working\nworked\n"
    assert containers(project) == []
    assert list(project.runs.glob("attempts/*")) == []
    assert [s["cached"] for s in document["runs"][0]["steps"]] == [True, False, False]


@pytest.mark.parametrize(("ending", "code"), [("pass", 0), ("sys.exit(3)", 6)])
def test_the_end_of_a_step_that_nobody_watched_is_read(
    make: Callable[..., Project], ending: str, code: int
) -> None:
    project = make(f"{works(2)}\n{ending}")
    first = project.start(*CONTAINED)
    process = project.started(first).read_text()
    kill(first)
    (name,) = containers(project)
    docker(project, "wait", name)

    found, document, _ = project.reproduce(*CONTAINED)

    assert found == code
    if code:
        assert "exit code 3" in only_error(document)
    else:
        assert out_of(project, "half") == process
    (record,) = project.records()
    assert (record["exit"]["code"], record["attempt"]["reattached"]) == (3 if code else 0, 1)
    assert containers(project) == []


def test_changed_inputs_make_a_left_container_worthless(make: Callable[..., Project]) -> None:
    project = make(works(5))
    first = project.start(*CONTAINED)
    process = project.started(first).read_text()
    kill(first)
    (entry,) = project.runs.glob("store/*/*/out/file")
    entry.write_text("first, but another")

    code, _, _ = project.reproduce(*CONTAINED)

    assert code == 0
    assert out_of(project, "half") != process
    assert containers(project) == []


def test_ctrl_c_stops_the_container_and_leaves_nothing(make: Callable[..., Project]) -> None:
    project = make(works(600))
    first = project.start(*CONTAINED)
    project.started(first)
    interrupt(first)
    code, document, _ = finish(first)
    assert (code, document["runs"][0]["status"]) == (130, "interrupted")
    assert containers(project) == []
    assert list(project.runs.glob("attempts/*")) == []
    assert list(project.runs.glob("leases/*.json")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_detached_containers_run_on(make: Callable[..., Project], number: signal.Signals) -> None:
    project = make(works(8))
    first = project.start(*CONTAINED, "--detach")
    process = project.started(first).read_text()
    first.send_signal(number)
    code, document, _ = finish(first)
    assert code == 130
    (name,) = containers(project)
    assert f"runs on as {name}" in only_error(document)
    assert docker(project, "inspect", "-f", "{{.State.Running}}", name) == "true"
    states = json.loads(project.run("status", "--json").stdout)["runs"][0]["steps"]
    assert [one["state"] for one in states] == ["done", "leftover", "to do"]

    code, _, err = project.reproduce(*CONTAINED)

    assert code == 0, err
    assert out_of(project, "half") == process
    assert containers(project) == []


def test_processes_cannot_be_detached(make: Callable[..., Project]) -> None:
    code, document, _ = make(works(1)).reproduce("--detach")
    assert code == 2
    assert "--runtime process" in document["error"]


# --- somebody or something ends the container ------------------------------------------------------


def test_a_killed_container_is_made_again(make: Callable[..., Project]) -> None:
    project = make(works(5))
    first = project.start(*CONTAINED)
    process = project.started(first).read_text()
    docker(project, "kill", *containers(project))

    code, _, err = finish(first)

    assert code == 0, err
    assert "killed by SIGKILL" in err
    failed, good = project.records()
    assert failed["exit"] | {"detail": ""} == {
        "cause": "signal",
        "code": 137,
        "signal": "SIGKILL",
        "detail": "",
        "fault": "infrastructure",
    }
    assert good["attempt"]["number"] == 2
    assert [fault["cause"] for fault in good["attempt"]["earlier"]] == ["signal"]
    assert out_of(project, "half") != process
    kept = [path.name for path in project.runs.glob("attempts/*/*")]
    assert sorted(kept) == ["output.log", "record.json"]
    assert containers(project) == []


def test_the_limit_of_tries_is_kept(make: Callable[..., Project]) -> None:
    project = make(works(600))
    first = project.start(*CONTAINED, "--retries", "1")
    for _ in range(2):
        started = project.started(first)
        docker(project, "kill", *containers(project))
        while started.exists() and first.poll() is None:
            time.sleep(0.02)
    code, document, _ = finish(first)
    assert code == 6
    assert "killed by SIGKILL" in only_error(document)
    assert [record["attempt"]["number"] for record in project.records()] == [1, 2]
    assert document["runs"][0]["scores"] == {}


def test_a_removed_container_is_made_again(make: Callable[..., Project]) -> None:
    project = make(works(5))
    first = project.start(*CONTAINED)
    project.started(first)
    docker(project, "rm", "-f", *containers(project))
    code, _, err = finish(first)
    assert code == 0, err
    failed, good = project.records()
    assert failed["exit"]["fault"] == "infrastructure"
    assert good["attempt"]["number"] == 2


def test_a_step_out_of_memory_is_tried_once_more_and_no_batch_shrinks(
    make: Callable[..., Project],
) -> None:
    code = "import sys; open(sys.argv[1] + '/half', 'w').write('x'); bytearray(b'x') * 2**29"
    project = make(code, resources={"paper": {"cpus": 1, "memory_gb": 0.125}})
    exit_code, document, _ = project.reproduce(*CONTAINED, "--retries", "5")
    assert exit_code == 6
    assert "of its 0.125 GB" in only_error(document)
    first, second = project.records()
    for record in (first, second):
        assert (record["exit"]["cause"], record["exit"]["fault"]) == (
            "out-of-memory",
            "infrastructure",
        )
    assert first["command"]["argv"] == second["command"]["argv"]
    assert project.published() == ["first"]
    assert containers(project) == []


def test_a_step_cannot_write_into_its_inputs(make: Callable[..., Project]) -> None:
    vandal = "import sys; open(sys.argv[2], 'w').write('changed')\n" + writes("middle")
    project = make(vandal, inputs={"file": "steps.first.file"})
    code, document, _ = project.reproduce(*CONTAINED)
    assert code == 6
    assert "Read-only file system" in only_error(document)
    (entry,) = project.runs.glob("store/*/*/out/file")
    assert entry.read_text() == "first"


# --- the engine goes away ------------------------------------------------------------------------------


@pytest.fixture
def on_own_engine(tmp_path: Path, own_engine: OwnEngine) -> Callable[[str], Project]:
    """A project on an engine that the test may stop."""

    def project(code: str) -> Project:
        made = Project(tmp_path, step("middle", code))
        made.environ["DOCKER_HOST"] = own_engine.host
        return made

    return project


@pytest.mark.dockerd
def test_an_engine_that_is_restarted_costs_one_try(
    on_own_engine: Callable[[str], Project], own_engine: OwnEngine
) -> None:
    project = on_own_engine(works(8))
    first = project.start(*CONTAINED)
    process = project.started(first).read_text()
    own_engine.stop()  # it ends its containers
    own_engine.start()

    code, document, err = finish(first)

    assert code == 0, err
    assert document["runs"][0]["status"] == "done"
    failed, good = project.records()
    assert failed["exit"]["fault"] == "infrastructure"
    assert good["attempt"]["number"] == 2
    assert [fault["cause"] for fault in good["attempt"]["earlier"]] == [failed["exit"]["cause"]]
    assert out_of(project, "half") != process
    assert containers(project) == []


def test_a_step_that_somebody_asked_to_end_did_not_fail(make: Callable[..., Project]) -> None:
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))\n"
    project = make(code + works(5))
    first = project.start(*CONTAINED)
    project.started(first)
    docker(project, "stop", *containers(project))
    exit_code, _, err = finish(first)
    assert exit_code == 0, err
    failed, _ = project.records()
    assert (failed["exit"]["code"], failed["exit"]["fault"]) == (1, "infrastructure")
    assert failed["exit"]["detail"] == "somebody sent it signal 15"


@pytest.mark.slow
@pytest.mark.dockerd
def test_an_engine_that_stays_away_is_exit_3_and_the_step_goes_on_later(
    on_own_engine: Callable[[str], Project], own_engine: OwnEngine
) -> None:
    project = on_own_engine(works(3))
    first = project.start(*CONTAINED, "--retries", "0")
    project.started(first)
    own_engine.stop(signal.SIGKILL)
    try:
        code, document, _ = finish(first)
    finally:
        own_engine.start()
    assert code == 3
    assert "stopped answering" in only_error(document)
    assert project.published() == ["first"]
    code, _, err = project.reproduce(*CONTAINED)
    assert code == 0, err
    assert containers(project) == []
