"""harness doctor on this machine: the real command, engine, driver and file systems."""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest

from harness.environments.mirror import MirrorList
from tests.fake_nvml import Card
from tests.played_nvml import play
from tests.project import Project, step, writes


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, step("middle", writes("middle")))


def doctor(project: Project, *words: str) -> tuple[int, bool, dict[str, dict[str, Any]]]:
    """Exit code, whether it is ready, and the lines by their checks."""
    done = project.run("doctor", *words, "--json")
    document = json.loads(done.stdout)
    assert set(document) - {"schema", "command"} == {
        "methods",
        "ready",
        "lines",
        "missing",
        "notes",
    }, document
    lines = {line["name"]: line for line in document["lines"]}
    for one in document["missing"]:
        line = lines.get(one["name"], lines["data"])
        line["fix"] = "\n".join([one["what"], *one["remedy"], *one["instead"]])
    return done.returncode, document["ready"], lines


def wanting_gpu(project: Project) -> None:
    resources = {"paper": {"gpus": 1, "gpu_memory_gb": 24}}
    project.write(step("middle", writes("x"), resources=resources))


def test_a_method_that_can_run_here(project: Project) -> None:
    code, ready, lines = doctor(project, "toy", "--runtime", "process")
    assert (code, ready) == (0, True)
    assert {line["state"] for line in lines.values()} <= {"ok", "note", "not needed"}
    assert "steps to do" in lines["plan"]["found"]
    assert float(lines["memory"]["found"].split()[0]) > 0
    assert str(project.runs) in lines["disk"]["found"]
    assert lines["bubblewrap"]["found"]
    assert not project.runs.exists()  # it only looks


def test_the_screen_lists_each_lack_once(project: Project) -> None:
    wanting_gpu(project)
    project.environ = play(project.root.parent / "played", (), environ=project.environ)
    done = project.run("doctor", "toy", "--runtime", "process")
    assert done.returncode == 3
    assert done.stdout.count("no NVIDIA GPU that may be used here") == 1
    assert "\n1 thing is missing:\n- gpus: " in done.stdout
    lines = doctor(project, "toy", "--runtime", "process")[2]
    assert (lines["gpus"]["state"], lines["driver"]["state"]) == ("missing", "unknown")
    assert (lines["engine"]["state"], lines["toolkit"]["state"]) == ("not needed", "not needed")


def test_what_doctor_misses_reproduce_refuses(project: Project) -> None:
    wanting_gpu(project)
    folder = project.root.parent / "played"
    for cards, found in ((), "none"), ((Card("GPU-1"),), "driven by no stack"):
        project.environ = play(folder, cards, environ=project.environ)
        code, ready, lines = doctor(project, "toy", "--runtime", "process")
        assert (code, ready, lines["gpus"]["state"]) == (3, False, "missing")
        assert found in lines["gpus"]["found"]
        assert project.reproduce()[0] == 3
    assert not project.published()


def test_a_mirror_that_cannot_be_used_is_a_line_among_the_others(project: Project) -> None:
    mirror = project.root.parent / "mirror"
    mirror.mkdir()
    (mirror / "mirror.json").write_text(json.dumps(MirrorList().document()))
    words = ("toy", "--runtime", "process", "--mirror", str(mirror))
    code, ready, lines = doctor(project, *words)
    assert (code, ready, lines["mirror"]["state"]) == (3, False, "missing")
    assert "did not come to its end" in lines["mirror"]["fix"]
    assert "run it again" in lines["mirror"]["fix"]
    assert lines["plan"]["state"] == "ok"


def test_without_a_method_nothing_is_asked_for(project: Project) -> None:
    project.environ["DOCKER_HOST"] = f"unix://{project.root}/no.sock"
    code, ready, lines = doctor(project)
    assert (code, ready) == (0, True)
    assert lines["engine"]["state"] == "missing"
    assert f"{project.root}/no.sock" in lines["engine"]["fix"]


def test_an_engine_that_is_not_there(project: Project) -> None:
    project.environ["DOCKER_HOST"] = f"unix://{project.root}/no.sock"
    code, _, lines = doctor(project, "toy")
    assert code == 3
    assert (lines["engine"]["state"], lines["limits"]["state"]) == ("missing", "unknown")
    assert "--runtime process" in lines["engine"]["fix"]


def test_what_is_wrongly_asked_for_is_a_usage_error(project: Project) -> None:
    assert project.run("doctor", "toy", "--stack", "cu999").returncode == 2
    assert project.run("doctor", "tooi").returncode == 2


@pytest.mark.docker
def test_a_real_engine(project: Project, docker_host: str) -> None:
    project.environ["DOCKER_HOST"] = docker_host
    code, _, lines = doctor(project, "toy")
    with closing(docker.DockerClient(docker_host)) as client:
        version = client.info()["ServerVersion"]
    assert version in lines["engine"]["found"]
    assert lines["users"]["state"] == "ok"
    assert code == (3 if any(line["state"] == "missing" for line in lines.values()) else 0)
    wanting_gpu(project)
    _, _, lines = doctor(project, "toy")
    assert lines["toolkit"]["state"] == "unknown"  # there is no GPU that it could give


def test_a_small_disk(
    project: Project, tmp_path: Path, require: Callable[[bool, str], None]
) -> None:
    require(os.getuid() == 0, "mounting a small file system takes root")
    small = tmp_path / "small"
    small.mkdir()
    options = "size=1m,nr_inodes=100"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(small)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"cannot mount: {done.stderr}")
    try:
        project.write(step("middle", writes("x"), resources={"paper": {"disk_gb": 2}}))
        project.runs = small / "runs"
        code, _, lines = doctor(project, "toy", "--runtime", "process")
        assert code == 3
        assert (lines["disk"]["state"], lines["inodes"]["state"]) == ("missing", "missing")
        assert f"0 GB free in {small}/runs" in lines["disk"]["found"]
        assert lines["disk"]["needed"].startswith("2 GB for outputs")
    finally:
        subprocess.run(["umount", str(small)], check=True)
