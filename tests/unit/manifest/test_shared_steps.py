"""A method joined with shared steps: what it gets, and errors that name the file at fault."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ManifestError
from harness.layout import ProjectLayout
from tests import toy
from tests.toy import STEPS
from tests.unit.manifest.test_load import load, project, write

COMMON = {"threads": {"paper": 1, "smoke": 1}, "resources": {"paper": {"cpus": 1}}}
DATA = COMMON | STEPS[0]
EXTRA = COMMON | {
    "name": "extra",
    "stage": 9,
    "about": "read what is given",
    "argv": ["python", "-c", "pass", "{in.more}", "{p.width}", "{o.colour}"],
    "inputs": {"more": "given.made/inner"},
    "outputs": {"text": {"path": "x", "contract": {"kind": "file"}}},
}
SHARED: dict[str, Any] = {
    "shared_steps": "tail",
    "about": "the end",
    "given": {"made": "what the method made"},
    "options": {"colour": {"about": "c", "default": "red", "choices": {"red": {"about": "r"}}}},
    "parameters": {"width": {"paper": 2, "smoke": 1, "source": "ours"}},
    "steps": [EXTRA],
}
USE = {"shared_steps": "tail", "given": {"made": "steps.data.data"}}


def with_shared(root: Path, *uses: dict[str, Any], **changes: Any) -> ProjectLayout:
    """The toy project, its method using the shared steps `tail` with fields changed."""
    layout = project(root, uses=list(uses) or [USE])
    write(layout.shared_steps("tail"), SHARED | changes)
    return layout


def test_steps_options_and_parameters_of_shared_steps_are_the_methods(tmp_path: Path) -> None:
    method = load(with_shared(tmp_path))
    assert [step.name for step in method.steps][-2:] == [STEPS[-1]["name"], "extra"]
    assert method.steps[-1].inputs == {"more": "steps.data.data/inner"}
    assert method.options.keys() == {"mode", "colour"}
    assert method.parameters["width"].paper == 2


def test_a_use_may_be_for_some_backbones(tmp_path: Path) -> None:
    method = load(with_shared(tmp_path, USE | {"backbones": ["tiny"]}))
    assert method.steps[-1].backbones == ("tiny",)
    assert method.steps[0].backbones == ()


BAD: list[tuple[dict[str, Any], dict[str, Any], str, str, str]] = [
    (USE | {"shared_steps": "tial"}, {}, "toy.yaml", "no shared steps 'tial'", "did you mean 'tail'"),
    ({"shared_steps": "tail"}, {}, "toy.yaml", "need 'made'", "what the method made"),
    (USE | {"given": USE["given"] | {"x": "steps.data.data"}}, {}, "toy.yaml", "take no 'x'", ""),
    (USE | {"given": {"made": "steps.dta.data"}}, {}, "tail.yaml", "unknown step 'dta'", "'data'"),
    (USE | {"backbones": ["big"]}, {}, "tail.yaml", "unknown backbone 'big'", ""),
    (USE, {"shared_steps": "head"}, "tail.yaml", "expected 'tail' as the file is named", "rename"),
    (USE, {"parameters": {}}, "tail.yaml", "unknown placeholder {p.width}", "p.PARAMETER"),
    (USE, {"parameters": SHARED["parameters"] | {"lr": SHARED["parameters"]["width"]}}, "toy.yaml", "'lr' is in", ""),
    (USE, {"steps": [EXTRA | {"name": "data"}]}, "tail.yaml", "step 'data' twice", ""),
    (USE, {"steps": [EXTRA | {"cwdd": "x"}]}, "tail.yaml", "unknown key 'cwdd'", "'cwd'"),
    (
        USE,
        {"options": {"colour": SHARED["options"]["colour"] | {"default": "rad"}}},
        "tail.yaml",
        "unknown choice 'rad'",
        "'red'",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("use", "changes", "file", "what", "hint"), BAD)
def test_an_error_names_the_file_at_fault(
    tmp_path: Path, use: dict[str, Any], changes: dict[str, Any], file: str, what: str, hint: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        load(with_shared(tmp_path, use, **changes))
    assert what in str(caught.value)
    assert f"{file}:" in str(caught.value)
    assert hint in caught.value.hint


def test_the_line_in_shared_steps_is_that_of_its_own_step(tmp_path: Path) -> None:
    argv = [*EXTRA["argv"], "{p.nowhere}"]
    layout = with_shared(tmp_path, USE, steps=[EXTRA, EXTRA | {"name": "other", "argv": argv}])
    with pytest.raises(ManifestError) as caught:
        load(layout)
    number = int(str(caught.value).split("tail.yaml:")[1].split(":")[0])
    assert "{p.nowhere}" in layout.shared_steps("tail").read_text().splitlines()[number - 1]


def test_given_is_for_shared_steps_alone(tmp_path: Path) -> None:
    steps = [DATA | {"inputs": {"x": "given.made"}}]
    with pytest.raises(ManifestError, match="is only for shared steps"):
        load(project(tmp_path, steps=steps))


def test_steps_about_the_test_split_wait_to_be_asked_for(tmp_path: Path) -> None:
    method = toy.method(steps=[DATA, COMMON | STEPS[1] | {"test": True}])
    without, asked = toy.plan(method), toy.plan(method, with_test=True)
    assert set(toy.keys_of(asked)) - set(toy.keys_of(without)) == {STEPS[1]["name"]}
    assert toy.keys_of(asked)["data"] == toy.keys_of(without)["data"]
    assert [run.id for run in asked.runs] == [run.id for run in without.runs]
