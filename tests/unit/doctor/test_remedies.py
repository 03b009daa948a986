"""Every command that a finding names can be pasted: the command line takes it as it stands."""

import dataclasses
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from harness.cli.app import app
from harness.cli.doctor import doctor
from harness.cli.ready import doctor_command
from harness.doctor import CHECKS, Finding
from tests.unit.doctor.test_checks import BAD, FOUND_HERE, NEEDS


def parse(line: str) -> Mapping[str, Any]:
    """The parameters of the command that this line runs; SystemExit or an error if it cannot."""
    _, *words = shlex.split(line)
    command: Any = get_command(app)
    context = command.make_context("harness", words)
    words = [*context._protected_args, *context.args]
    while hasattr(command, "resolve_command"):
        name, command, words = command.resolve_command(context, words)
        context = command.make_context(name, words, parent=context)
        words = [*context._protected_args, *context.args]
    found: Mapping[str, Any] = context.params
    return found


def findings() -> Iterator[Finding]:
    for check, changes, needs, *_ in BAD:
        found = dataclasses.replace(FOUND_HERE, **changes)
        yield from check(found, dataclasses.replace(NEEDS, **needs)).findings


def commands() -> set[str]:
    """Those that are to be pasted, and those that other ways name."""
    shown = {one.command for one in findings() if one.command}
    others = {way.partition(" (")[0] for one in findings() for way in one.instead}
    return shown | {way for way in others if way.startswith("harness ")}


def test_every_check_can_find_something() -> None:
    assert {check for check, *_ in BAD} == set(CHECKS)


@pytest.mark.parametrize("line", sorted(commands()))
def test_a_command_can_be_pasted(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "harness":
        assert parse(line)
    else:
        assert words[0] in {"sudo", "systemctl"}, line


@pytest.mark.parametrize(
    ("line", "refused"), [("harness nothing", "nothing"), ("harness fetch --nothing", "--nothing")]
)
def test_a_wrong_command_would_be_found(line: str, refused: str) -> None:
    with pytest.raises(Exception, match=refused):
        parse(line)


GIVEN = st.fixed_dictionaries(
    {
        "methods": st.lists(st.sampled_from(["sipe", "seam", "all"]), min_size=1, max_size=2),
        "backbone": st.sampled_from([None, "res101"]),
        "losses": st.sampled_from(["all", "isl,fsl"]),
        "seeds": st.sampled_from([None, 3]),
        "scale": st.sampled_from(["paper", "smoke"]),
        "runtime": st.sampled_from(["docker", "podman"]),
        "option": st.sampled_from([None, ["fsl-sigma=2.5"], ["a=1", "b=2 3"]]),
        "until": st.sampled_from([None, "cam"]),
        "gpus": st.sampled_from([None, "0,1"]),
        "runs": st.sampled_from([None, Path("/a b/runs")]),
        "jobs": st.just(4),  # doctor has no such option
        "as_json": st.booleans(),
    }
)


@given(GIVEN)
def test_the_doctor_that_a_refusal_names_is_asked_for_the_same(values: dict[str, Any]) -> None:
    line = doctor_command(doctor, values)
    found = parse(line)
    assert {name: found[name] or None for name in values if name in found} == {
        name: value or None for name, value in {**values, "as_json": False}.items() if name in found
    }
    assert "--jobs" not in line


def test_a_variable_that_doctor_reads_too_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = {"methods": ["sipe"], "mirror": Path("/mirror")}
    assert doctor_command(doctor, values) == "harness doctor sipe --mirror /mirror"
    monkeypatch.setenv("HARNESS_MIRROR", "/mirror")
    assert doctor_command(doctor, values) == "harness doctor sipe"


def test_what_the_command_itself_decides_is_named() -> None:
    values = {"scale": "rehearsal-cpu", "seeds": "1", "methods": ["sipe"], "losses": "isl+fsl"}
    expected = "harness doctor sipe --losses isl+fsl --seeds 1 --scale rehearsal-cpu"
    assert doctor_command(doctor, values) == expected
    anchored = {"anchor": "cam-network", "method": "sipe", "name": None}
    assert doctor_command(doctor, anchored) == "harness doctor sipe --anchor cam-network"
