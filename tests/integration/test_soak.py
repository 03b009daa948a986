"""A fixed few of the faults of `make soak`: one of each sort of disturbance."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.soak.faults import FAULTS
from tests.soak.lab import Engine, Lab

pytestmark = pytest.mark.slow
FIXED = (
    *("kill harness", "term its group", "kill a step", "twin harnesses", "clock moved"),
    *("flip a file in store", "cut a file in attempts", "remove a file in plans"),
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("soak"), Engine())


@pytest.mark.parametrize("kind", FIXED)
def test_the_chain_recovers(lab: Lab, kind: str) -> None:
    disturb(lab, kind)


def test_the_chain_recovers_from_a_full_disk(
    lab: Lab, require: Callable[[bool, str], None]
) -> None:
    require(Path("/proc/self").stat().st_uid == 0, "mounting takes root")
    disturb(lab, "full disk")


def disturb(lab: Lab, kind: str) -> None:
    rng = Random(kind)
    case = lab.case(rng, list(FAULTS).index(kind))
    FAULTS[kind](case, rng)
    case.recover()
    case.remove()
