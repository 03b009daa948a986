"""Batch scripts: readable, with what a step needs and nothing else."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.layout import RunLayout
from harness.manifest.model import Resources, RuntimeName
from harness.plan.plan import BoundStep
from harness.slurm.jobs import next_files, step_files
from harness.slurm.profile import Placement, Profile
from harness.slurm.script import Call, next_script, refuse_unspoken, step_script
from tests import toy

CALL = Call(
    program=("/venv/bin/python", "-m", "harness"),
    options=("--project", "/p", "--runs", "/shared/runs"),
    environ=(("HARNESS_CACHE", "/shared/my cache"),),
)
TRAIN = next(step for step in toy.plan().steps.values() if step.name == "train")


def script(
    profile: Profile,
    *,
    runs: str = "/shared/runs",
    step: BoundStep = TRAIN,
    runtime: RuntimeName = RuntimeName.PROCESS,
    after: tuple[str, ...] = (),
) -> list[str]:
    files = step_files(RunLayout(Path(runs)), "abc", step)
    return step_script(step, "abc", files, profile, CALL, runtime=runtime, after=after).splitlines()


def needing(**resources: Any) -> BoundStep:
    return dataclasses.replace(TRAIN, resources=Resources(**resources))


def test_a_script_as_a_whole() -> None:
    key = TRAIN.key
    words = "--retries=2 --patience=60 --lost-after=300 --project /p --runs /shared/runs"
    profile = Profile(account="vision", cpu=Placement(partition="cpu"), setup=("module load py",))
    assert script(profile, after=("12", "13")) == [
        "#!/bin/bash",
        f"#SBATCH --job-name=harness-train-{key[:16]}",
        "#SBATCH --comment=/shared/runs",
        f"#SBATCH --output=/shared/runs/slurm/abc/2-train-{key[:16]}.out",
        "#SBATCH --open-mode=append",
        "#SBATCH --nodes=1",
        "#SBATCH --ntasks=1",
        "#SBATCH --requeue",
        "#SBATCH --cpus-per-task=1",
        "#SBATCH --mem=3072M",
        "#SBATCH --time=240:30:00",
        "#SBATCH --signal=B:TERM@60",
        "#SBATCH --kill-on-invalid-dep=yes",
        "#SBATCH --dependency=afterok:12:13",
        "#SBATCH --account=vision",
        "#SBATCH --partition=cpu",
        "# step train (toy, stage 2), for plan abc",
        "set -eu",
        "export HARNESS_CACHE='/shared/my cache'",
        "module load py",
        f"exec /venv/bin/python -m harness exec-step abc {key} {words}",
    ]


def test_gpus_are_asked_for_as_the_site_names_them() -> None:
    gpu = Placement(partition="gpu", qos="long", constraint="a100|h100", sbatch=("--exclusive",))
    lines = script(Profile(gpu=gpu, gres="gpu:a100"), step=needing(gpus=2, cpus=8, memory_gb=20))
    wanted = ["gres=gpu:a100:2", "cpus-per-task=8", "mem=22528M", "partition=gpu", "qos=long"]
    assert {f"#SBATCH --{one}" for one in wanted} <= set(lines)
    assert '#SBATCH --constraint="a100|h100"' in lines
    assert [line for line in lines if line.startswith("#SBATCH")][-1] == "#SBATCH --exclusive"


def test_a_step_without_gpus_asks_for_none() -> None:
    assert not [line for line in script(Profile(gres="gpu:a100")) if "gres" in line]


@pytest.mark.parametrize(
    ("hours", "most", "time"),
    [(1.5, None, "02:00:00"), (240, 48, "48:00:00"), (0.1, 48, "00:36:00")],
)
def test_time_is_the_steps_limit_with_a_margin_within_the_sites(
    hours: float, most: float | None, time: str
) -> None:
    lines = script(Profile(max_hours=most), step=needing(time_limit_hours=hours))
    assert f"#SBATCH --time={time}" in lines


def test_places_with_blanks_and_percent_signs_are_spelt_for_sbatch() -> None:
    lines = script(Profile(), runs="/shared/my 100% runs")
    assert '#SBATCH --comment="/shared/my 100% runs"' in lines
    assert any(line.startswith('#SBATCH --output="/shared/my 100%% runs/') for line in lines)
    lines = script(Profile(), runs='/shared/"my"\truns')
    assert '#SBATCH --comment="/shared/\\"my\\"\truns"' in lines


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\rb"])
def test_places_that_sbatch_cannot_be_told_of_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="Slurm cannot be told of"):
        refuse_unspoken(Path("/shared", name))
    refuse_unspoken(Path("/shared/a \"b' %j"))


def test_podman_is_the_jobs_own_child() -> None:
    lines = script(Profile(), runtime=RuntimeName.PODMAN)
    (service,) = [line for line in lines if " system service " in line]
    assert service.endswith(' "$socket" &')
    assert lines.index('export CONTAINER_HOST="$socket"') > lines.index("serve &")
    (call,) = [line for line in lines if "exec-step" in line]
    assert call.endswith(" &")  # the shell stays, to end the service and to pass TERM on
    assert lines[-1] == 'exit "$code"'
    assert not [line for line in script(Profile()) if "podman" in line]


def test_what_is_left_is_submitted_by_a_small_job_whatever_became_of_the_others() -> None:
    files = next_files(RunLayout(Path("/shared/runs")), "abc")
    lines = next_script("abc", files, Profile(), CALL, after=("7", "8")).splitlines()
    assert "#SBATCH --job-name=harness-next-abc" in lines
    assert "#SBATCH --dependency=afterany:7:8" in lines
    assert lines[-1].startswith("exec /venv/bin/python -m harness submit abc --project /p")
