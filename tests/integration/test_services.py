"""The tests' own services where engines are missing: they say how they are used, and what is missing."""

import os
import subprocess
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
