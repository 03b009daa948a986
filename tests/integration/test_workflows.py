"""Workflows and the make targets that they call: valid, and every command known to harness."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from tests.workflows import FILES, ROOT, step, steps

TOOLS = Path(os.environ.get("HARNESS_CRATE_TOOLS") or ROOT / ".venv-crate" / "bin")
INPUTS = {
    "METHOD": "sipe",
    "BACKBONE": "res101",
    "LOSSES": "isl+fsl",
    "SEEDS": "2",
    "STACK": "cu130",
    "RUNTIME": "podman",
    "JOBS": "8",
    "RUNS": "",
    "HARNESS_DATA": "/srv/voc",
    "HARNESS_MIRROR": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile where everything is installed, so that it shows nothing but its commands."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "manifests" / "methods", tmp_path / "manifests" / "methods")
    makefile = (tmp_path / "Makefile").read_text(encoding="utf-8")
    needed = re.findall(r"^\$\(VENV\)/\.installed: ([^|\n]*)", makefile, re.MULTILINE)
    for name in (*needed[0].split(), ".venv/.installed"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def bash(command: str, folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    ours = ("HARNESS_", "MAKE", "MFLAGS", "ARGS", "SEEDS", "LOSSES")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        capture_output=True, text=True, check=False, cwd=folder, env={**plain, **more},
    )  # fmt: skip


def shown(project: Path, *words: str) -> list[str]:
    """The commands that make would run."""
    done = bash(shlex.join(["make", "--no-print-directory", "-n", *words]), project)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_workflows_fit_the_schema(file: Path, require: Callable[[bool, str], None]) -> None:
    tool = TOOLS / "check-jsonschema"
    require(tool.is_file(), "not installed: check-jsonschema (make crate-tools)")
    command = [str(tool), "--builtin-schema", "vendor.github-workflows", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        ("reproduce-sipe-res101", ["harness reproduce sipe --backbone res101 --seeds 5"]),
        ("reproduce-seam", ["harness reproduce seam --seeds 5"]),
        ("reproduce-spatial-bce", ["harness reproduce spatial-bce --seeds 5"]),
        (
            "reproduce-spatial-bce-res38 LOSSES=isl,fsl SEEDS=3",
            ["harness reproduce spatial-bce --backbone res38 --losses isl,fsl --seeds 3"],
        ),
        ("reproduce-seam ARGS='--seeds 2'", ["harness reproduce seam --seeds 2"]),
        ("reproduce-seam ARGS='--seed 1,7'", ["harness reproduce seam --seed 1,7"]),
        (
            "reproduce-seam HARNESS_RUNS=/srv/runs HARNESS_DATA=/srv/voc",
            ["harness reproduce seam --seeds 5 --runs '/srv/runs' --data '/srv/voc'"],
        ),
        ("doctor-mctformer-deit-s", ["harness doctor mctformer --backbone deit-s --seeds 5"]),
        ("rehearse-sipe-res38 LOSSES=none", ["harness rehearse sipe --backbone res38"]),
        (
            "report-pmm OUT=/out",
            [
                "harness report pmm --format markdown --output '/out/report.md'",
                "harness report pmm --output '/out/report.html'",
                "harness record export pmm --ro-crate '/out/records.zip'",
            ],
        ),
    ],
)
def test_make_shows_exactly_the_command(project: Path, words: str, commands: list[str]) -> None:
    assert shown(project, *shlex.split(words)) == commands


def test_make_finds_the_harness_that_it_installed(project: Path) -> None:
    own = project / ".venv" / "bin" / "harness"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\necho ours: $*\n")
    own.chmod(0o755)
    done = bash("make --no-print-directory reproduce-sipe-res101", project)
    assert "ours: reproduce sipe --backbone res101 --seeds 5" in done.stdout.splitlines()


def made(project: Path, name: str) -> list[list[str]]:
    """The words of every harness command that the make calls of a workflow come to."""
    commands = []
    environment = {**INPUTS, "CHAIN": "sipe-res101", "OUT": "/out", "SMOKE_MIRROR": "/m"}
    for one in steps(name):
        run = one.get("run", "")
        if not run.startswith("make "):
            continue
        done = bash(
            run.replace("make ", "make --no-print-directory -n ", 1), project, **environment
        )
        assert done.returncode == 0, done.stderr
        lines = [shlex.split(line) for line in done.stdout.splitlines()]
        commands += [line for line in lines if line[:1] == ["harness"]]
    return commands


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_harness_knows_every_command_that_workflows_come_to(project: Path, file: Path) -> None:
    commands = made(project, file.name)
    assert commands
    for _, *words in commands:
        known: Any = typer.main.get_command(app)
        while hasattr(known, "commands"):
            known = known.commands[words.pop(0)]
        options = {name for parameter in known.params for name in parameter.opts}
        used = {word for word in words if re.match(r"--[a-z]", word)}
        assert used <= options, words


def test_the_gpu_workflow_asks_for_its_inputs(project: Path) -> None:
    doctor, rehearse, reproduce, *_, crate = map(" ".join, made(project, "gpu.yml"))
    asked = "sipe --backbone res101 --losses isl+fsl --seeds 2 --data /srv/voc --stack cu130"
    assert doctor == f"harness doctor {asked} --runtime podman"
    assert rehearse.startswith("harness rehearse sipe --backbone res101 --data /srv/voc --stack")
    assert reproduce.startswith(f"harness reproduce {asked} --runtime podman --jobs 8 --junit")
    assert crate == "harness record export sipe --ro-crate /out/records.zip"


def check_inputs(folder: Path, **changes: str) -> tuple[int, Mapping[str, str]]:
    """What the first step of the GPU workflow makes of its inputs."""
    file = folder / "env"
    file.touch()
    places = {"GITHUB_ENV": str(file), "RUNNER_TEMP": str(folder), "HOME": str(folder)}
    done = bash(step("gpu.yml", "Check the inputs")["run"], folder, **places, **INPUTS | changes)
    lines = (line.partition("=") for line in file.read_text().splitlines())
    return done.returncode, {name: value for name, _, value in lines}


def test_inputs_become_a_chain(tmp_path: Path) -> None:
    code, found = check_inputs(tmp_path)
    assert code == 0
    runs = str(tmp_path / "harness" / "runs")
    assert found == {"CHAIN": "sipe-res101", "HARNESS_RUNS": runs, "OUT": str(tmp_path / "out")}
    assert Path(runs).is_dir()


def test_all_backbones_are_no_part_of_the_chain(tmp_path: Path) -> None:
    code, found = check_inputs(tmp_path, BACKBONE="all", RUNS=str(tmp_path / "elsewhere"))
    assert (code, found["CHAIN"]) == (0, "sipe")
    assert found["HARNESS_RUNS"] == str(tmp_path / "elsewhere")


@pytest.mark.parametrize("name", list(INPUTS))
@pytest.mark.parametrize("text", ["a; touch harmed", "$(touch harmed)", "`touch harmed`", "a\nb"])
def test_inputs_that_are_no_names_are_refused(tmp_path: Path, name: str, text: str) -> None:
    code, found = check_inputs(tmp_path, **{name: text})
    assert (code, found) == (2, {})
    assert not (tmp_path / "harmed").exists()
