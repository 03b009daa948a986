"""A saved plan that is handed to Slurm: by what profile, and what is refused."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.commands import submit as verb
from harness.commands.context import Context
from harness.commands.where import Where
from harness.errors import HarnessError
from harness.execution.keeper import Keeper
from harness.layout import CacheLayout, RunLayout
from harness.manifest.model import RuntimeName
from harness.plan.plan import Plan
from tests import toy
from tests.golden import PROJECT


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Folders of their own, and a Slurm that takes everything."""
    taken = SimpleNamespace(jobs={}, waiting={}, refused={})
    monkeypatch.setattr(verb, "slurm_here", SimpleNamespace)
    monkeypatch.setattr(verb, "submit", lambda *_, **__: taken)
    return Context(project=PROJECT, layout=RunLayout(tmp_path), cache=CacheLayout(tmp_path))


def saved(context: Context, runtime: RuntimeName) -> Plan:
    plan = toy.plan(runtime=runtime)
    with Keeper(context.store, plan).registered():
        return plan


def profile(folder: Path, text: str) -> Path:
    file = folder / "profile.yaml"
    file.write_text(text)
    return file


def submitted(context: Context, plan: Plan, given: Path | None) -> Any:
    return verb.submit_saved(context, Where(), plan.id, given, again=False)


def test_a_plan_for_docker_is_refused_and_nothing_kept(context: Context, tmp_path: Path) -> None:
    plan = saved(context, RuntimeName.DOCKER)
    with pytest.raises(HarnessError, match="Docker cannot go to Slurm") as error:
        submitted(context, plan, profile(tmp_path, "account: lab\n"))
    assert "--runtime podman" in str(error.value.hint)
    assert not context.layout.slurm(plan.id).profile.exists()


def test_a_folder_that_slurm_cannot_be_told_of_is_refused(context: Context, tmp_path: Path) -> None:
    context = replace(context, layout=RunLayout(tmp_path / "a\\b"))
    plan = saved(context, RuntimeName.PROCESS)
    with pytest.raises(HarnessError, match="Slurm cannot be told of"):
        submitted(context, plan, profile(tmp_path, "account: lab\n"))
    assert not context.layout.slurm(plan.id).profile.exists()


def test_the_profile_is_kept_for_later_calls(context: Context, tmp_path: Path) -> None:
    plan = saved(context, RuntimeName.PROCESS)
    submitted(context, plan, profile(tmp_path, "account: lab\n"))
    assert submitted(context, plan, None).cluster.profile.account == "lab"


@pytest.mark.parametrize("text", ["acount: lab\n", "account: [lab\n", "max_jobs: 1\n"])
def test_a_profile_that_cannot_be_read_leaves_the_kept_one(
    context: Context, tmp_path: Path, text: str
) -> None:
    plan = saved(context, RuntimeName.PROCESS)
    submitted(context, plan, profile(tmp_path, "account: lab\n"))
    with pytest.raises(HarnessError, match=r"profile\.yaml"):
        submitted(context, plan, profile(tmp_path, text))
    assert submitted(context, plan, None).cluster.profile.account == "lab"


def test_a_plan_that_was_never_submitted_needs_a_profile(context: Context) -> None:
    plan = saved(context, RuntimeName.PROCESS)
    with pytest.raises(HarnessError, match="never submitted"):
        submitted(context, plan, None)
