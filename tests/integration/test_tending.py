"""gc, cancel and shell on what real executions left."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_faults import GOOD
from tests.integration.test_faults_containers import (
    CONTAINED,
    containers,
    docker,
    kill,
    make,
    out_of,
    works,
)
from tests.project import LAST, Project, finish, interrupt, step, writes

__all__ = ["make"]


def gc(project: Project, *options: str) -> dict[str, list[str]]:
    """What `harness gc` found: names by kind."""
    done = project.run("gc", "--json", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    for row in json.loads(done.stdout)["found"]:
        assert row["error"] is None
        found.setdefault(row["kind"], []).append(row["name"])
    return found


def run_id(project: Project) -> str:
    name: str = json.loads(project.run("status", "--json").stdout)["runs"][0]["name"]
    return name


def offline(tmp_path: Path, middle: dict[str, Any]) -> Project:
    """A project that no engine answers."""
    project = Project(tmp_path, middle)
    project.environ["DOCKER_HOST"] = f"unix://{tmp_path}/nowhere.sock"
    return project


# --- gc -----------------------------------------------------------------------------------------------


def test_gc_of_a_clean_project_finds_nothing(tmp_path: Path) -> None:
    project = offline(tmp_path, GOOD)
    project.reproduce()
    assert gc(project, "--store") == {}


def test_gc_takes_dead_attempts_and_quarantine_and_says_so_before(tmp_path: Path) -> None:
    project = offline(tmp_path, step("middle", works(600)))
    process = project.start()
    half = project.started(process)
    kill(process)
    damaged = project.runs / "quarantine" / "k-1" / "out"
    damaged.mkdir(parents=True)
    (damaged / "file").write_text("half")
    found = {"attempt": [half.parents[1].name], "quarantine": ["k-1"]}
    assert gc(project, "--dry-run") == found
    assert half.exists()
    assert gc(project) == found
    assert not half.exists()
    assert not damaged.exists()
    assert gc(project) == {}


def test_gc_leaves_alone_what_somebody_works_at(tmp_path: Path) -> None:
    project = offline(tmp_path, step("middle", works(600)))
    process = project.start()
    half = project.started(process)
    assert gc(project, "--store") == {}
    assert half.exists()
    interrupt(process)
    finish(process)


def test_gc_keeps_the_newest_failure_of_a_step_until_it_is_finished(tmp_path: Path) -> None:
    failing = step("middle", "raise SystemExit(3)")
    project = offline(tmp_path, failing)
    for _ in range(2):
        project.reproduce()
    older, newer = sorted(
        project.runs.glob("attempts/*/record.json"), key=lambda path: path.stat().st_mtime_ns
    )
    assert gc(project) == {"attempt": [older.parent.name]}
    project.write(GOOD)
    project.reproduce()
    assert gc(project) == {"attempt": [newer.parent.name]}  # no plan wants that step any more


def test_gc_takes_finished_steps_that_no_plan_wants_only_when_asked(tmp_path: Path) -> None:
    project = offline(tmp_path, GOOD)
    project.reproduce()
    old = {path.parent.name for path in project.runs.glob("store/*/*/record.json")}
    project.reproduce("--until", "first")
    assert gc(project, "--store") == {}  # the first plan still names the other steps
    project.write(step("middle", writes("better")))
    project.reproduce()
    assert gc(project) == {}
    gone = set(gc(project, "--store")["store"])
    left = {path.parent.name for path in project.runs.glob("store/*/*/record.json")}
    assert len(gone) == 2  # the old `middle` and the old `last`
    assert gone < old
    assert not gone & left
    assert project.published() == ["first", "last", "middle"]


def test_gc_takes_nothing_of_an_older_plan_that_is_being_executed(tmp_path: Path) -> None:
    project = offline(tmp_path, GOOD)
    older = step("first", writes("older"))
    project.write_steps(
        older, step("middle", works(600), inputs={"file": "steps.first.file"}), LAST
    )
    process = project.start()
    half = project.started(process)
    (first,) = project.runs.glob("store/*/*")
    project.write(GOOD)
    project.reproduce()
    assert project.published() == ["first", "first", "last", "middle"]
    assert gc(project, "--store") == {}
    kill(process)
    assert gc(project, "--store") == {
        "attempt": [half.parents[1].name],
        "store": [first.name],
    }
    assert project.reproduce()[0] == 0
    assert list(project.runs.glob("leases/plan-*")) == []  # what the killed one left went


def test_gc_removes_what_was_being_dropped(tmp_path: Path) -> None:
    project = offline(tmp_path, GOOD)
    folder, file = project.runs / "dropped" / "a", project.runs / "dropped" / "b"
    folder.mkdir(parents=True)
    file.write_text("half")
    assert gc(project) == {"dropped": ["a", "b"]}
    assert not folder.exists()
    assert not file.exists()


@pytest.mark.docker
def test_gc_reaps_only_containers_that_nobody_wants(
    make: Callable[..., Project], tmp_path: Path
) -> None:
    project = make(works(600))
    process = project.start(*CONTAINED)
    project.started(process)
    (name,) = containers(project)
    assert gc(project) == {}  # its harness lives
    kill(process)
    assert gc(project) == {}  # the next call would follow it
    neighbour = Project(tmp_path / "other", GOOD)
    neighbour.environ["DOCKER_HOST"] = project.environ["DOCKER_HOST"]
    neighbour.reproduce()
    assert gc(neighbour) == {}  # it is another's
    project.write(GOOD)
    assert project.reproduce(*CONTAINED)[0] == 0
    found = gc(project)
    assert found["container"] == [name]
    assert found["attempt"] == [name.removeprefix("harness-")]
    assert containers(project) == []
    assert gc(project) == {}


def test_gc_of_the_cache_keeps_what_manifests_give(tmp_path: Path) -> None:
    project = offline(tmp_path, GOOD)
    project.reproduce()
    stale = tmp_path / "cache" / "venvs" / "0123456789abcdef"
    stale.mkdir(parents=True)
    (stale / "pyvenv.cfg").write_text("home = /nowhere\n")
    checkout = tmp_path / "cache" / "checkouts" / "gone-0123456789abcdef"
    checkout.mkdir(parents=True)
    assert gc(project) == {}
    assert gc(project, "--cache") == {"checkout": [checkout.name], "venv": [stale.name]}
    assert not stale.exists()
    assert not checkout.exists()


@pytest.mark.docker
def test_gc_of_images_keeps_what_manifests_give(make: Callable[..., Project]) -> None:
    project = make(writes("middle"))
    base = project.environ["HARNESS_BASE"] = CONTAINED[-1]
    assert base
    assert project.reproduce(*CONTAINED)[0] == 0
    (image,) = docker(
        project, "images", "--filter", "label=harness.method=toy", "--format", "{{.ID}}"
    ).split()[:1]
    rows = json.loads(project.run("gc", "--images", "--dry-run", "--json").stdout)["found"]
    mine = docker(project, "inspect", "-f", '{{join .RepoTags " "}}', image).split()
    names = [row["name"] for row in rows]
    assert not set(names) & set(mine)
    del project.environ["HARNESS_BASE"]
    found = json.loads(project.run("gc", "--images", "--dry-run", "--json").stdout)["found"]
    others = [row["name"] for row in found]
    assert set(mine) <= set(others), "without the base nobody knows them"
    assert len(others) == len(set(others)), "both engines' names lead to one engine"


# --- cancel -------------------------------------------------------------------------------------------


def test_cancel_asks_the_harness_that_runs_the_step(tmp_path: Path) -> None:
    project = offline(tmp_path, step("middle", works(600)))
    process = project.start()
    half = project.started(process)
    done = project.run("cancel", f"{run_id(project)}/middle", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["cancelled"]
    assert (row["name"], row["state"], row["holder"]) == ("middle", "stopped", None)
    code, document, _ = finish(process)
    assert code == 130
    (middle,) = (s for s in document["runs"][0]["steps"] if s["name"] == "middle")
    assert "was cancelled" in middle["error"]
    assert not half.exists()
    assert list(project.runs.glob("leases/*.cancel")) == []
    project.write(GOOD)
    assert project.reproduce()[0] == 0


def test_cancel_of_an_idle_run_does_nothing(tmp_path: Path) -> None:
    project = offline(tmp_path, step("middle", "raise SystemExit(1)"))
    project.reproduce()
    done = project.run("cancel", run_id(project), "--json")
    states = {row["name"]: row["state"] for row in json.loads(done.stdout)["cancelled"]}
    assert states == {"middle": "idle", "last": "idle"}
    assert project.run("cancel", "no-such-run").returncode == 2
    assert list(project.runs.glob("leases/*.cancel")) == []


@pytest.mark.docker
@pytest.mark.parametrize("detached", [True, False])
def test_cancel_ends_containers_that_run_on(make: Callable[..., Project], detached: bool) -> None:
    project = make(works(600))
    process = project.start(*CONTAINED, "--detach")
    project.started(process)
    if detached:
        interrupt(process)
        finish(process)
    assert len(containers(project)) == 1
    done = project.run("cancel", run_id(project), "--json")
    states = {row["name"]: row["state"] for row in json.loads(done.stdout)["cancelled"]}
    assert states["middle"] == "stopped"
    if not detached:
        assert finish(process)[0] == 130
    assert containers(project) == []
    assert list(project.runs.glob("attempts/*")) == []


# --- shell --------------------------------------------------------------------------------------------

ASKED = "cat /in/file /work/note; echo more > /out/more; touch /in/file || echo read-only"


def shell(project: Project, words: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        project.argv("shell", f"{run_id(project)}/middle", *options),
        env=project.environ,
        input=words,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


FAILS = (
    "import os; open('note', 'w').write('worked here\\n'); raise SystemExit(3)",
    {"inputs": {"file": "steps.first.file"}},
)


@pytest.mark.bubblewrap
def test_a_shell_sees_what_the_failed_step_saw(tmp_path: Path) -> None:
    project = offline(tmp_path, step("middle", FAILS[0], **FAILS[1]))
    project.reproduce()
    done = shell(project, f"{ASKED}\nexit 7\n")
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == ["firstworked", "here", "read-only"]
    assert "the step's own command: " in done.stderr
    (failed,) = project.runs.glob("attempts/*")
    assert (failed / "out" / "more").read_text() == "more\n"
    assert not (failed / "home").exists()


@pytest.mark.docker
def test_a_shell_in_a_container(make: Callable[..., Project]) -> None:
    project = make(FAILS[0], **FAILS[1])
    project.environ["HARNESS_BASE"] = CONTAINED[-1]
    project.reproduce(*CONTAINED)
    done = shell(project, f"{ASKED}\ngrep CapEff /proc/self/status\nexit 7\n")
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == [
        *("firstworked", "here", "read-only"),
        *("CapEff:", "0000000000000000"),
    ]
    line = shell(project, "", "--print").stdout
    assert line.startswith("docker --host")
    assert "--network=none" in line
    document = json.loads(shell(project, "", "--json").stdout)
    assert document["argv"][0] == "docker"
    assert document["step"][0] == "/opt/venv/bin/python"


@pytest.mark.bubblewrap
def test_a_shell_of_a_finished_step_works_in_fresh_folders(tmp_path: Path) -> None:
    project = offline(tmp_path, step("middle", writes("middle"), **FAILS[1]))
    project.reproduce()
    done = shell(project, "cat /in/file; ls /out | wc -l\n")
    assert done.stdout.split() == ["first0"], done.stderr
    assert list(project.runs.glob("shells/*")) == []
    assert out_of(project, "file") == "middle"


def test_a_shell_without_its_inputs_is_refused(tmp_path: Path) -> None:
    project = offline(tmp_path, step("middle", "raise SystemExit(1)"))
    project.reproduce()
    done = subprocess.run(
        project.argv("shell", f"{run_id(project)}/last"),
        env=project.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "/in/file" in done.stderr
    assert list(project.runs.glob("shells/*")) == []
