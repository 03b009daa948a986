"""The tests' own services where engines are missing: they say how they are used, and what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "tests" / "services"
SCRIPTS = sorted(path.name for path in SERVICES.glob("*.sh") if os.access(path, os.X_OK))
#: All that the scripts call before they look for an engine.
_PLAIN = ("bash", "basename", "dirname", "env", "id", "sed")


@pytest.fixture
def no_engine(tmp_path: Path) -> dict[str, str]:
    """Variables of a machine with a few plain programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in _PLAIN:
        found = subprocess.run(
            ["bash", "-c", f"command -v {name}"], capture_output=True, text=True, check=True
        )
        (programs / name).symlink_to(found.stdout.strip())
    return {"PATH": str(programs), "HARNESS_SERVICES": str(tmp_path / "services")}


def call(name: str, *words: str, environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    argv = [str(SERVICES / name), *words]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_service_says_how_it_is_used(name: str, no_engine: dict[str, str]) -> None:
    done = call(name, environ=no_engine)
    assert done.returncode == 2
    assert f"#   {name} " in done.stderr


@pytest.mark.parametrize(
    "words, missing",
    [
        (("docker.sh", "start"), "dockerd (package docker.io)"),
        (("docker.sh", "lend"), "dockerd (package docker.io)"),
        (("docker.sh", "base"), "docker (package docker.io)"),
        (("podman.sh", "start"), "runc (package runc)"),
        (("podman.sh", "lend"), "catatonit (package catatonit)"),
        (("podman.sh", "base"), "podman (package podman)"),
        (("slurm.sh", "start"), "slurmctld (package slurm-wlm)"),
        (("slurm.sh", "lend"), "munged (package munge)"),
        (("offline.sh", "folder", "true"), "ip (package iproute2)"),
    ],
)
def test_a_service_names_what_it_misses_and_makes_nothing(
    words: tuple[str, ...], missing: str, no_engine: dict[str, str]
) -> None:
    done = call(*words, environ=no_engine)
    assert done.returncode == 3
    assert done.stderr.startswith(f"{words[0]}: not installed: ")
    assert missing in done.stderr
    assert not Path(no_engine["HARNESS_SERVICES"]).exists()


@pytest.mark.parametrize("name", ["docker.sh", "podman.sh"])
@pytest.mark.parametrize("verb", ["stop", "return"])
def test_what_never_started_is_stopped(name: str, verb: str, no_engine: dict[str, str]) -> None:
    assert call(name, verb, environ=no_engine).returncode == 0


def test_an_environment_made_on_the_bare_machine_outlives_the_call(tmp_path: Path) -> None:
    """The folder of the machine's Python is replaced, because it has an engine too."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "podman").symlink_to("/bin/false")
    (programs / "python3.11").symlink_to(getattr(sys, "_base_executable", sys.executable))
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    venv = tmp_path / "venv"
    argv = ("python3.11", "-m", "venv", "--without-pip", str(venv))
    done = call("bare.sh", *argv, environ=environ)
    if done.stderr.endswith("takes root\n"):
        pytest.skip("hiding the socket of a daemon takes root")
    assert done.returncode == 0, done.stderr
    subprocess.run([str(venv / "bin" / "python"), "-c", ""], check=True)
    gone = call("bare.sh", "bash", "-c", "command -v podman", environ=environ)
    assert (gone.returncode, gone.stdout) == (1, "")
