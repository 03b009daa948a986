"""What follows from something missing is no finding of its own, and no two lines contradict."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assets.declared import AssetState
from harness.doctor import Diagnosis, Machine, Needs, State, examine
from harness.doctor.check import UpstreamFile
from harness.errors import EngineGone, HarnessError, NotReadyError
from harness.manifest.model import RuntimeName, Scale
from tests.unit.doctor.test_checks import (
    BROKEN,
    CARD,
    CATALOGUE,
    DOCKER,
    FOUND_HERE,
    H100,
    NEEDS,
    PODMAN,
    ROOTLESS,
    asset,
    place,
    step,
)

NO_ENGINE = "no docker engine answers"
SILENT = {"engine": NO_ENGINE}
NO_GPU: dict[str, Any] = {"gpus": ()}
BROKEN_DRIVER = {"gpus": "Unknown Error"}
UNPLANNED = {"unplanned": NotReadyError("no python3.8", hint="install it"), "steps": ()}
WITHOUT_ENGINE_NO_PLAN = {"unplanned": EngineGone("no engine", hint="start it"), "steps": ()}
BAD_MIRROR = {
    "mirror": Path("/nowhere"),
    "repositories": {"SEAM": CATALOGUE.repositories["SEAM"]},
    "files": (BROKEN,),
}
NO_DATA = {"assets": (asset(AssetState.MISSING), asset(AssetState.MISSING, "weights"))}
OLD = dataclasses.replace(CARD, driver="440.33")


def diagnose(changes: dict[str, Any], needs: dict[str, Any]) -> Diagnosis:
    return examine(dataclasses.replace(FOUND_HERE, **changes), dataclasses.replace(NEEDS, **needs))


def states(found: Diagnosis) -> dict[str, State]:
    return {line.name: line.state for line in found.lines}


def unknown(found: Diagnosis) -> set[str]:
    return {name for name, state in states(found).items() if state is State.UNKNOWN}


#: What is missing -> the findings, and the lines that say nothing before it is there.
RULES: list[tuple[dict[str, Any], dict[str, Any], list[str], set[str]]] = [
    (SILENT, {}, ["engine"], {"limits", "users", "toolkit"}),
    (NO_GPU, {}, ["gpus"], {"driver", "toolkit"}),
    (BROKEN_DRIVER, {}, ["driver"], {"gpus", "toolkit"}),
    ({**SILENT, **NO_GPU}, {}, ["engine", "gpus"], {"limits", "users", "driver", "toolkit"}),
    ({"gpus": (OLD,)}, {}, ["driver"], set()),
    (SILENT, WITHOUT_ENGINE_NO_PLAN, ["engine"], {"plan", "limits", "users"}),
    ({}, BAD_MIRROR, ["mirror"], {"files"}),
    ({}, NO_DATA, ["voc", "weights"], set()),
    (
        {"gpus": (H100,), "engine": {**DOCKER, "Runtimes": {}}},
        {},
        ["gpus", "toolkit"],  # a card that a stack does not drive is there: both are told
        set(),
    ),
]


@pytest.mark.parametrize(("changes", "needs", "missing", "without"), RULES)
def test_a_consequence_is_no_finding(
    changes: dict[str, Any], needs: dict[str, Any], missing: list[str], without: set[str]
) -> None:
    found = diagnose(changes, needs)
    assert [one.name for one in found.missing] == missing
    assert without <= unknown(found)
    if "plan" not in unknown(found):
        assert unknown(found) == without


def test_without_a_plan_nothing_is_known_of_what_it_needs() -> None:
    found = diagnose({}, UNPLANNED)
    assert [one.name for one in found.missing] == ["plan"]
    expected = {"driver", "gpus", "toolkit", "disk", "inodes", "memory", "shm", "git", "data"}
    assert unknown(found) == {*expected, "files"}
    assert all(line.needed == "-" for line in found.lines if line.name in unknown(found))


def test_what_is_there_is_said_once_and_nothing_is_missing() -> None:
    found = diagnose({}, {})
    assert found.ready
    assert found.missing == found.notes == ()
    assert not unknown(found)


ENGINES = st.sampled_from(
    [
        NO_ENGINE,
        "Permission denied",
        DOCKER,
        {**DOCKER, "Runtimes": {}},
        {**DOCKER, "PidsLimit": False, "SecurityOptions": ["name=userns"]},
        {**DOCKER, "ServerVersion": "19.03.15"},
        PODMAN,
        {**PODMAN, "ServerVersion": "4.9.3"},
        ROOTLESS,
    ]
)
MACHINES = st.builds(
    dataclasses.replace,
    st.just(FOUND_HERE),
    engine=ENGINES,
    engine_installed=st.booleans(),
    engine_named=st.booleans(),
    nvidia_hook=st.booleans(),
    cdi_devices=st.sampled_from([(), ("nvidia.com/gpu=GPU-1",)]),
    gpus=st.sampled_from([(), "Unknown Error", (CARD,), (H100,), (OLD,), (CARD, H100)]),
    visible_devices=st.sampled_from([None, "", "0"]),
    git=st.booleans(),
    bubblewrap=st.sampled_from([None, "0.8.0"]),
    bubblewrap_obstacle=st.just("not installed"),
    runs=st.builds(place, st.just("/runs"), free=st.floats(0, 200), inodes=st.none()),
    memory_gb=st.floats(1, 64),
    shm_gb=st.floats(0, 32),
    files=st.sampled_from([256, 2048, 65536]),
    subordinate_ids=st.sampled_from([0, 65536]),
    newuidmap=st.booleans(),
    skew_seconds=st.sampled_from([None, 0.0, -3.0]),
)
ERRORS: list[HarnessError | None] = [
    None,
    NotReadyError("no python3.8", hint="install it"),
    EngineGone("no engine", hint="start it"),
]
NOTE_FILE = UpstreamFile(name="up/b.npy", state=State.NOTE, found="not here", fix="fetch it")


def _needs(unplanned: HarnessError | None, gpus: int, fields: dict[str, Any]) -> Needs:
    steps = () if unplanned else (step(gpus=gpus), step(gpus=0))
    return dataclasses.replace(NEEDS, unplanned=unplanned, steps=steps, **fields)


NEEDED = st.builds(
    _needs,
    st.sampled_from(ERRORS),
    st.integers(0, 2),
    st.fixed_dictionaries(
        {
            "runtime": st.sampled_from(RuntimeName),
            "scale": st.sampled_from(Scale),
            "assets": st.lists(
                st.builds(asset, st.sampled_from(AssetState), downloads=st.booleans()), max_size=1
            ),
            "mirror": st.sampled_from([None, Path("/nowhere")]),
            "repositories": st.sampled_from([{}, BAD_MIRROR["repositories"]]),
            "files": st.sampled_from([(), (BROKEN,), (NOTE_FILE,), (BROKEN, NOTE_FILE)]),
        }
    ),
)
#: What a check cannot do without, if it is wanted at all.
_REQUIRED = {"gpus": ("driver",), "toolkit": ("engine", "gpus", "driver"), "limits": ("engine",)}


@given(MACHINES, NEEDED)
def test_no_line_contradicts_another(found: Machine, needs: Needs) -> None:
    diagnosis = examine(found, needs)
    state = states(diagnosis)
    for name, required in _REQUIRED.items():
        if state[name] is not State.NOT_NEEDED:
            for one in required:
                assert state[one] is not State.NOT_NEEDED, (name, one)
    if state["gpus"] in {State.MISSING, State.OK} and needs.in_containers:
        assert state["toolkit"] is not State.NOT_NEEDED
        assert state["engine"] is not State.NOT_NEEDED
    if state["engine"] is State.MISSING:
        assert {state[one] for one in ("limits", "users")} == {State.UNKNOWN}


@given(MACHINES, NEEDED)
def test_what_is_unknown_hangs_on_something_that_is_missing(found: Machine, needs: Needs) -> None:
    diagnosis = examine(found, needs)
    state = states(diagnosis)
    for line in diagnosis.lines:
        assert bool(line.findings) is (line.state in {State.NOTE, State.MISSING}), line
        if line.state is State.UNKNOWN and line.found != "not known without engine":
            first = line.found.removeprefix("not known without ").split(", ")
            assert {state[one] for one in first} & {State.MISSING, State.UNKNOWN}, line
    if unknown(diagnosis):
        assert diagnosis.missing or isinstance(needs.unplanned, EngineGone)


@given(MACHINES, NEEDED)
def test_nothing_is_said_twice(found: Machine, needs: Needs) -> None:
    diagnosis = examine(found, needs)
    said = [one.what for one in (*diagnosis.missing, *diagnosis.notes)]
    assert len(said) == len(set(said))
    assert all(one.remedy or one.instead for one in (*diagnosis.missing, *diagnosis.notes))
