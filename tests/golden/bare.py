"""A golden screen: what `doctor` and `reproduce` say of a method where there is nothing."""

import tempfile
from pathlib import Path

import pytest

from harness.commands.context import Context
from harness.commands.doctor import needs_of_ask
from harness.doctor import Diagnosis, Machine, Unready, examine
from harness.doctor.check import Place
from harness.layout import CacheLayout, RunLayout
from harness.manifest.model import Losses
from harness.plan.make import Ask
from harness.shapes.doctor import diagnosis_lines, diagnosis_rows
from tests import golden

FILE = golden.FOLDER / "sipe-res101-bare.txt"
_COLUMNS = ("check", "state", "found", "needed")


def _place(path: str) -> Place:
    return Place(path=Path(path), device=1, free_gb=500.0, free_inodes=10**8)


#: Neither an engine nor a driver; all else that a machine of this kind has.
MACHINE = Machine(
    engine="no docker engine answers at unix:///var/run/docker.sock: No such file or directory",
    engine_address="unix:///var/run/docker.sock",
    engine_installed=False,
    bubblewrap_obstacle="bubblewrap is not installed (Debian: apt-get install bubblewrap)",
    runs=_place("/runs"),
    cache=_place("/cache"),
    memory_gb=64.0,
    shm_gb=32.0,
    files=65536,
    files_soft=1024,
    processes=30000,
    uid=1000,
    skew_seconds=0.0,
)


def diagnosis() -> Diagnosis:
    """Of SIPE's chain on ResNet-101, of which nothing is done and no data are there."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.delenv("HARNESS_MIRROR", raising=False)
        place = Path(folder)
        context = Context(
            project=golden.PROJECT,
            layout=RunLayout(place / "runs"),
            cache=CacheLayout(place / "cache"),
        )
        ask = Ask(methods=("sipe",), backbone="res101", losses=tuple(Losses), seeds=5)
        return examine(MACHINE, needs_of_ask(context, ask))


def screen() -> str:
    """The rows of `doctor` and the list below them."""
    found = diagnosis()
    rows = [" | ".join(row) for row in (_COLUMNS, *diagnosis_rows(found))]
    return "\n".join([*rows, "", *diagnosis_lines(found)]) + "\n"


def refusal() -> str:
    """The error of `reproduce`."""
    return str(Unready(diagnosis().missing, hint="see doctor"))
