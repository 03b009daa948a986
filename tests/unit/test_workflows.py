"""Workflows: pinned actions, few rights, inputs that stay data, choices that are the manifests'."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue, load_method, method_names
from harness.manifest.model import Losses, RuntimeName
from tests.workflows import FILES, ROOT, inputs, step, steps, workflow

_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

each = pytest.mark.parametrize("name", [file.name for file in FILES])


def text(name: str) -> str:
    return (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")


@each
def test_actions_are_pinned_by_commit_with_their_tag_beside(name: str) -> None:
    used = re.findall(r"uses: (.*)", text(name))
    assert used
    assert [one for one in used if not _PINNED.fullmatch(one)] == []


def test_an_action_has_one_pin_in_all_workflows() -> None:
    pins: dict[str, set[str]] = {}
    for file in FILES:
        for one in re.findall(r"uses: (.*)", file.read_text(encoding="utf-8")):
            pins.setdefault(one.partition("@")[0], set()).add(one)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@each
def test_no_expression_is_part_of_a_command(name: str) -> None:
    assert [one["run"] for one in steps(name) if "${{" in one.get("run", "")] == []


@each
def test_jobs_may_only_read_and_keep_no_credentials(name: str) -> None:
    assert workflow(name)["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow(name)["jobs"].values())
    checkouts = [one for one in steps(name) if "actions/checkout@" in one.get("uses", "")]
    assert checkouts
    assert all(one["with"]["persist-credentials"] is False for one in checkouts)


@each
def test_jobs_end(name: str) -> None:
    assert all(job["timeout-minutes"] for job in workflow(name)["jobs"].values())


def test_what_anybody_may_propose_never_runs_on_our_own_machines() -> None:
    for file in FILES:
        runners = [job["runs-on"] for job in workflow(file.name)["jobs"].values()]
        if any("self-hosted" in runner for runner in runners):
            assert set(workflow(file.name)[True]) == {"workflow_dispatch"}, file.name


def test_gpu_inputs_offer_what_manifests_have() -> None:
    project = ProjectLayout(ROOT)
    catalogue = load_catalogue(project)
    names = [name for name in method_names(project) if name != "demo"]
    methods = [load_method(project, name, catalogue) for name in names]
    offered = {name: set(one["options"]) for name, one in inputs("gpu.yml").items()}
    seeds = min(len(method.seeds) for method in methods)
    assert offered["method"] == {method.method for method in methods}
    assert offered["backbone"] == {"all"}.union(*(method.backbones for method in methods))
    assert offered["losses"] == {"all"} | {losses.value for losses in Losses}
    assert offered["seeds"] == {str(count) for count in range(1, seeds + 1)}
    assert offered["stack"] == set.intersection(*(set(method.stacks) for method in methods))
    assert offered["runtime"] == {runtime.value for runtime in RuntimeName}


def test_gpu_inputs_default_to_what_is_offered() -> None:
    given: Mapping[str, Mapping[str, Any]] = inputs("gpu.yml")
    assert all(one.get("default", one["options"][0]) in one["options"] for one in given.values())


def test_every_gpu_input_reaches_commands_as_a_variable_that_is_checked() -> None:
    environment = workflow("gpu.yml")["env"]
    check = step("gpu.yml", "Check the inputs")["run"]
    checked = re.findall(r"\$(\w+)", check.partition("for word in")[2].partition(";")[0])
    for name in inputs("gpu.yml"):
        assert environment[name.upper()] == f"${{{{ inputs.{name} }}}}"
    assert {name.upper() for name in inputs("gpu.yml")} == set(checked)


def test_gpu_steps_come_in_the_order_in_which_they_save_time() -> None:
    named = [one["name"] for one in steps("gpu.yml") if "name" in one]
    assert named == [
        "Check the inputs", "Install", "Doctor", "Rehearse", "Reproduce", "Report", "Summary",
        "Keep records and report",
    ]  # fmt: skip


def test_the_own_runner_is_known_to_actionlint() -> None:
    config = Path(ROOT, ".github", "actionlint.yaml").read_text(encoding="utf-8")
    own = workflow("gpu.yml")["jobs"]["reproduce"]["runs-on"]
    assert own == ["self-hosted", "gpu"]
    assert "labels: [gpu]" in config
