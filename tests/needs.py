"""What tests need of a machine, by marker: the only reasons to skip for a missing engine.

`tests/conftest.py` asks before a test with such a marker. Nothing here starts an engine.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from functools import cache

from harness.errors import EngineGone
from harness.manifest.model import RuntimeName
from harness.runtimes.engine import Engine
from harness.runtimes.process import ProcessRuntime

#: Debian's package of a program, where it has another name.
_PACKAGES = {
    "bwrap": "bubblewrap",
    "chromedriver": "chromium-driver",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "newuidmap": "uidmap",
    "munged": "munge",
    "pdflatex": "texlive-latex-recommended",
    "sbatch": "slurm-wlm",
    "slurmctld": "slurm-wlm",
    "slurmd": "slurm-wlm",
}


@cache  # the fixtures set DOCKER_HOST for an engine that they start
def missing(marker: str) -> str:
    """What the marker's tests lack on this machine, else ''."""
    return NEEDS[marker]()


def _docker() -> str:
    if "DOCKER_HOST" in os.environ:
        return _programs("docker") or _silent(RuntimeName.DOCKER)
    return _programs("docker", "dockerd", "debootstrap") or _dockerd()


def _dockerd() -> str:
    return _programs("dockerd") or _root("starting a Docker engine takes root")


def _podman() -> str:
    if "CONTAINER_HOST" in os.environ:
        return _silent(RuntimeName.PODMAN)
    return _programs("podman", "runc", "catatonit", "debootstrap", "curl")


def _rootless() -> str:
    programs = ("podman", "runc", "catatonit", "debootstrap", "curl", "newuidmap")
    return _programs(*programs) or _root("making a user takes root")


def _registry() -> str:
    return _programs("docker-registry")


def _slurm() -> str:
    programs = ("slurmctld", "slurmd", "sbatch", "munged")
    return _programs(*programs) or _root("starting a Slurm cluster takes root")


def _bubblewrap() -> str:
    runtime = ProcessRuntime()
    return "" if runtime.isolated else "; ".join(runtime.isolation()["warnings"])


NEEDS: Mapping[str, Callable[[], str]] = {
    "latex": lambda: _programs("pdflatex"),
    "zsh": lambda: _programs("zsh"),
    "fish": lambda: _programs("fish"),
    "docker": _docker,
    "dockerd": _dockerd,
    "podman": _podman,
    "rootless": _rootless,
    "registry": _registry,
    "bubblewrap": _bubblewrap,
    "slurm": _slurm,
    "browser": lambda: _programs("chromium", "chromedriver"),
}


def _programs(*names: str) -> str:
    lacking = [
        f"{name} (package {_PACKAGES.get(name, name)})"
        for name in names
        if shutil.which(name) is None
    ]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


def _root(why: str) -> str:
    return "" if os.getuid() == 0 else why


def _silent(name: RuntimeName) -> str:
    try:
        with Engine.find(name, os.environ).client():
            return ""
    except EngineGone as gone:
        return str(gone)
