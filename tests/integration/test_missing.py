"""What is missing is listed once, by every command, before anything starts; real absence."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.golden import PROJECT, bare
from tests.played_nvml import play
from tests.project import Project, step, writes

_SIPE = ("sipe", "--backbone", "res101", "--seeds", "5")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A machine without an engine and without a driver; of programs it has git alone."""
    programs = tmp_path / "programs"
    programs.mkdir()
    git = shutil.which("git")
    assert git is not None
    (programs / "git").symlink_to(git)
    outer = {name: text for name, text in os.environ.items() if not name.startswith("HARNESS_")}
    alone = {"PATH": str(programs), "HARNESS_CACHE": str(tmp_path / "cache")}
    alone["DOCKER_HOST"] = f"unix://{tmp_path}/no.sock"
    return play(tmp_path / "played", (), environ={**outer, **alone})


@pytest.fixture
def harness(tmp_path: Path, environ: Mapping[str, str]) -> Callable[..., Any]:
    """Run a command of the real project on that machine."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        place = ("--project", str(PROJECT.root), "--runs", str(tmp_path / "runs"))
        argv = [sys.executable, "-m", "harness", *words, *place]
        return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)

    return run


def listed(text: str) -> list[str]:
    """The names of what a screen lists."""
    return [line[2:].partition(":")[0] for line in text.splitlines() if line.startswith("- ")]


def apart_from_disk(names: list[str]) -> list[str]:
    """All but this machine's own disk, which may be too small for the chain."""
    return [name for name in names if name != "disk"]


def test_one_list_of_all_that_is_missing(harness: Callable[..., Any], tmp_path: Path) -> None:
    refused = harness("reproduce", *_SIPE)
    assert refused.returncode == 3
    said = refused.stderr.partition("error: ")[2]
    assert said.startswith(f"{len(listed(said))} things are missing:\n")
    assert apart_from_disk(listed(said)) == ["engine", "gpus", "resnet101-coco"]
    golden = bare.refusal().partition("- gpus")[2]  # engines differ: this one has an address
    gpus, weights = golden.split("- resnet101-coco")
    assert gpus in said
    assert weights in said
    last = said.splitlines()[-1]
    command = f"harness doctor {' '.join(_SIPE)} --project {PROJECT.root} --runs {tmp_path}/runs"
    assert last == f"hint: `{command}` shows every check"
    assert not list((tmp_path / "runs").glob("*"))


def test_the_doctor_named_shows_the_same_list(
    harness: Callable[..., Any], environ: Mapping[str, str]
) -> None:
    refused = json.loads(harness("reproduce", *_SIPE, "--json").stdout)
    words = shlex.split(refused["hint"].split("`")[1])[1:]
    argv = [sys.executable, "-m", "harness", *words]
    shown = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    diagnosed = json.loads(
        subprocess.run([*argv, "--json"], env=environ, capture_output=True, check=False).stdout
    )
    assert shown.returncode == 3
    assert diagnosed["missing"] == refused["missing"]
    assert refused["error"] in shown.stdout
    assert diagnosed["ready"] is False


def test_an_anchor_and_its_doctor_list_the_same(
    harness: Callable[..., Any], environ: Mapping[str, str]
) -> None:
    refused = json.loads(harness("anchor", "sipe", "--json").stdout)
    names = apart_from_disk([one["name"] for one in refused["missing"]])
    assert names == ["engine", "gpus", "sipe-cam-network"]
    words = shlex.split(refused["hint"].split("`")[1])[1:]
    argv = [sys.executable, "-m", "harness", *words, "--json"]
    done = subprocess.run(argv, env=environ, capture_output=True, check=False)
    assert json.loads(done.stdout)["missing"] == refused["missing"]


def test_a_build_misses_an_engine_and_nothing_else(harness: Callable[..., Any]) -> None:
    done = harness("build", "sipe", "--json")
    assert done.returncode == 3
    assert [one["name"] for one in json.loads(done.stdout)["missing"]] == ["engine"]


def test_what_is_done_needs_nothing_any_more(environ: dict[str, str], tmp_path: Path) -> None:
    project = Project(tmp_path, step("middle", writes("middle")))
    assert project.reproduce()[0] == 0
    project.environ = {**environ, "PATH": "/nowhere", "HARNESS_CACHE": str(tmp_path / "cache")}
    assert project.reproduce()[0] == 0


def test_an_engine_that_listens_and_says_nothing_is_not_waited_for_long(tmp_path: Path) -> None:
    project = Project(tmp_path, step("middle", writes("middle")))
    address = f"{tmp_path}/deaf.sock"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(address)
        deaf.listen()
        project.environ["DOCKER_HOST"] = f"unix://{address}"
        code, document, _ = project.reproduce("--runtime", "docker")
    assert code == 3
    (engine,) = document["missing"]
    assert "timed out" in engine["what"]


def test_a_fetch_brings_what_it_can_and_lists_the_rest(tmp_path: Path) -> None:
    project = Project(tmp_path, step("middle", writes("x"), inputs={"file": "steps.first.file"}))
    contract = {"kind": "file", "min_bytes": 1}
    assets = {
        name: {"title": f"the {name}", "by_hand": "ask\nsave it", "size_gb": 0.1}
        | {"contract": contract}
        for name in ("here", "nowhere")
    }
    reads = {"file": "steps.first.file", "a": "assets.here", "b": "assets.nowhere"}
    project.write(step("middle", writes("x"), inputs=reads))
    project._yaml("assets.yaml", {"assets": assets})
    data = tmp_path / "data"
    data.mkdir()
    (data / "here").write_bytes(b"x")
    done = project.run("fetch", "toy", "--data", str(data), "--json")
    assert done.returncode == 3, done.stderr
    (missing,) = json.loads(done.stdout)["missing"]
    assert missing["name"] == "nowhere"
    assert missing["remedy"] == ["ask", "save it", "harness assets add nowhere FILE"]
    assert missing["command"] == missing["remedy"][-1]
    assert "fetch here" in done.stderr
    (data / "nowhere").write_bytes(b"x")
    assert project.run("fetch", "toy", "--data", str(data)).returncode == 0


def test_a_mirror_downloads_nothing_where_no_engine_can_build_its_images(
    harness: Callable[..., Any], tmp_path: Path
) -> None:
    refused = harness("mirror", "create", str(tmp_path / "mirror"), "seam")
    assert refused.returncode == 3
    assert "no docker engine answers" in refused.stderr
    assert "mirror repository" not in refused.stderr
    assert not list((tmp_path / "mirror").iterdir())
    assert not list((tmp_path / "cache").glob("repositories/*"))
