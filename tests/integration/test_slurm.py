"""Plans on a real Slurm of two nodes with two GPUs each, submitted by the real command."""

import itertools
import json
import os
import shutil
import signal
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.golden import PROJECT
from tests.integration.test_cli import harness
from tests.integration.test_faults import GOOD
from tests.outputs import valid
from tests.project import LAST, PATIENT, Project, finish, step, writes
from tests.services.slurm_cluster import Cluster

pytestmark = pytest.mark.slurm

#: Trusts the allocation: there is no driver behind the nodes' stand-ins for GPUs.
PROFILE: dict[str, Any] = {
    "trust_allocation": True,
    "memory_margin_gb": 0.5,
    "lost_after_seconds": 15,
    "visible_within_seconds": 5,
}
ONE_GPU = {"paper": {"gpus": 1, "cpus": 1, "memory_gb": 1, "time_limit_hours": 0.5}}


class Submitting(Project):
    """A project whose steps go to a cluster."""

    def __init__(self, root: Path, cluster: Cluster, middle: dict[str, Any]) -> None:
        super().__init__(root, middle)
        self.cluster = cluster
        self.environ["SLURM_CONF"] = str(cluster.conf)
        self.profile = root / "profile.yaml"
        self.ask()

    def ask(self, **fields: Any) -> None:
        """Write the profile, with these fields."""
        self.profile.write_text(yaml.safe_dump({**PROFILE, **fields}))

    def submit(self, *more: str) -> tuple[int, dict[str, Any], str]:
        """`harness reproduce toy --executor slurm`: exit code, the JSON, stderr."""
        return self.reproduce("--executor", "slurm", "--profile", str(self.profile), *more)

    def half(self, count: int = 1) -> Path:
        """Wait until the running step has begun in its `count`th attempt folder."""
        self.cluster.until(lambda: len(self._halves()) == count, f"{count} attempts began")
        return max(self._halves(), key=lambda path: path.stat().st_mtime_ns)

    def _halves(self) -> list[Path]:
        return list(self.runs.glob("attempts/*/out/half"))

    def states(self) -> dict[str, str]:
        """Step -> state, as `status` shows them."""
        (run,) = json.loads(self.run("status", "--json").stdout)["runs"]
        return {step["name"]: step["state"] for step in run["steps"]}

    def run_id(self) -> str:
        """The only run."""
        name: str = json.loads(self.run("status", "--json").stdout)["runs"][0]["name"]
        return name


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["status"] for run in document["runs"] for one in run["steps"]}


def test_a_chain_runs_on_nodes_and_its_gpu_is_the_jobs(tmp_path: Path, cluster: Cluster) -> None:
    needy = step("middle", writes("middle"), resources=ONE_GPU, gpus="1")
    odd = tmp_path / 'a "folder" of %j\'s #1 (é)$x|y;z&'
    project = Submitting(odd, cluster, needy)
    code, done, err = project.submit("--wait")
    assert code == 0, err
    assert done["runs"][0]["scores"] == {"J": 50, "F": 40, "JF": 45}
    assert set(statuses(done).values()) == {"done"}
    (middle,) = project.records()
    assert len(middle["container"]["gpus"]) == 1
    assert middle["host"]["scheduler"]["name"] == "slurm"
    assert project.records("first")[0]["container"]["gpus"] == []
    record = json.loads(next(project.runs.glob("runs/*.json")).read_text())
    assert record["status"] == "done"
    again, same, _ = project.submit()  # nothing is left to submit: the scores are shown
    assert again == 0
    assert same["runs"][0]["scores"] == done["runs"][0]["scores"]
    cluster.until_empty()


def test_a_command_returns_after_submitting_and_files_and_queue_tell_the_rest(
    tmp_path: Path, cluster: Cluster
) -> None:
    project = Submitting(tmp_path, cluster, PATIENT)
    code, submitted, err = project.submit()
    assert code == 0, err
    assert [one["state"] for one in submitted["steps"]] == ["submitted"] * 3
    half = project.half()
    assert project.states() == {"first": "done", "middle": "running", "last": "queued"}
    code, same, _ = project.submit()  # from any node: nothing is submitted twice
    assert (code, [one["state"] for one in same["steps"]]) == (0, ["waiting"] * 2)
    again = valid(project.run("submit", submitted["plan"], "--json").stdout)
    assert [one["state"] for one in again["steps"]] == ["waiting"] * 2
    (half.parent / "go").touch()
    cluster.until_empty()
    assert project.published() == ["first", "last", "middle"]
    assert set(project.states().values()) == {"done"}
    assert json.loads(next(project.runs.glob("runs/*.json")).read_text())["status"] == "done"


def test_a_submitter_that_is_killed_changes_nothing(tmp_path: Path, cluster: Cluster) -> None:
    project = Submitting(tmp_path, cluster, GOOD)
    words = ("--executor", "slurm", "--profile", str(project.profile), "--wait")
    process = project.start(*words)
    cluster.until(lambda: list(project.runs.glob("slurm/jobs/*.json")), "a job was submitted")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, done, err = project.submit("--wait")  # takes up what the killed one submitted
    assert code == 0, err
    assert set(statuses(done).values()) == {"done"}
    assert [len(project.records(name)) for name in ("first", "middle", "last")] == [1, 1, 1]


def test_a_failing_step_stops_only_what_reads_it_and_leaves_nothing_pending(
    tmp_path: Path, cluster: Cluster
) -> None:
    project = Submitting(tmp_path, cluster, GOOD)
    after = {"inputs": {"file": "steps.first.file"}}
    failing = step("middle", "raise SystemExit(3)", **after)
    beside = step("beside", writes("beside"), **after)
    project.write_steps(step("first", writes("first")), failing, beside, LAST)
    code, done, _ = project.submit("--wait")
    assert code == 6
    ends = {"first": "done", "middle": "failed", "beside": "done", "last": "blocked"}
    assert statuses(done) == ends
    error = next(s["error"] for s in done["runs"][0]["steps"] if s["name"] == "middle")
    assert "exit code 3" in error
    cluster.until_empty()
    assert json.loads(next(project.runs.glob("runs/*.json")).read_text())["status"] == "failed"
    assert project.states()["middle"] == "failed"
    project.write_steps(
        step("first", writes("first")), step("middle", writes("middle"), **after), LAST
    )
    assert project.submit("--wait")[0] == 0


def test_a_step_of_a_lost_node_is_finished_by_the_other_and_published_once(
    tmp_path: Path, cluster: Cluster
) -> None:
    project = Submitting(tmp_path, cluster, PATIENT)
    project.submit()
    project.half()
    job = cluster.running("middle")
    lost = cluster.node_of(job)
    cluster.kill_node(lost)
    half = project.half(2)
    assert cluster.node_of(job) != lost
    (half.parent / "go").touch()
    cluster.until_empty()
    assert project.published() == ["first", "last", "middle"]
    (middle,) = project.records()
    assert middle["host"]["scheduler"] == {
        "name": "slurm",
        "job": job,
        "node": "n2" if lost == "n1" else "n1",
    }


def test_a_step_that_is_pre_empted_starts_again(tmp_path: Path, cluster: Cluster) -> None:
    project = Submitting(tmp_path, cluster, PATIENT)
    project.submit()
    first = project.half()
    job = cluster.running("middle")
    cluster.call("scontrol", "requeue", job)
    cluster.until(lambda: not first.exists(), "the first attempt is gone")
    (project.half().parent / "go").touch()
    cluster.until_empty()
    assert project.published() == ["first", "last", "middle"]
    assert len(project.records()) == 1


def test_cancelling_a_run_ends_its_jobs(tmp_path: Path, cluster: Cluster) -> None:
    project = Submitting(tmp_path, cluster, PATIENT)
    project.submit()
    project.half()
    done = project.run("cancel", project.run_id(), "--json")
    assert done.returncode == 0, done.stderr
    states = {one["name"]: one["state"] for one in json.loads(done.stdout)["cancelled"]}
    assert states == {"middle": "stopped", "last": "stopped"}
    cluster.until_empty()
    assert project.published() == ["first"]
    assert list(project.runs.glob("attempts/*")) == []
    project.write(GOOD)
    assert project.submit("--wait")[0] == 0


def test_a_cap_on_jobs_is_met_by_waves(tmp_path: Path, cluster: Cluster) -> None:
    project = Submitting(tmp_path, cluster, GOOD)
    after = {"inputs": {"file": "steps.first.file"}}
    beside = [step(f"beside-{number}", writes("beside"), **after) for number in range(2)]
    project.write_steps(step("first", writes("first")), {**GOOD, **after}, *beside, LAST)
    project.ask(max_jobs=3)
    most = 0
    process = project.start("--executor", "slurm", "--profile", str(project.profile), "--wait")
    while process.poll() is None:
        most = max(most, len(cluster.queue("%i")))
        time.sleep(0.1)
    code, done, err = finish(process)
    assert code == 0, err
    assert set(statuses(done).values()) == {"done"}
    assert 0 < most <= 3


def test_what_slurm_refuses_is_a_usage_error(tmp_path: Path, cluster: Cluster) -> None:
    project = Submitting(tmp_path, cluster, GOOD)
    project.ask(cpu={"partition": "nowhere"})
    code, error, _ = project.submit()
    assert code == 2
    assert "nowhere" in error["error"] or "partition" in error["error"]
    assert cluster.queue() == []


@pytest.mark.slow
def test_the_demo_runs_over_both_nodes_never_two_steps_on_one_gpu_and_scores_as_here(
    tmp_path: Path, cluster: Cluster
) -> None:
    """All losses, three seeds; every step asks for one of the four GPUs."""
    profile = tmp_path / "profile.yaml"
    profile.write_text(yaml.safe_dump({**PROFILE, "cpu": {"sbatch": ["--gres=gpu:1"]}}))
    environ = {name: os.environ[name] for name in ("PATH", "HOME")}
    environ |= {"HARNESS_CACHE": str(tmp_path / "cache"), "SLURM_CONF": str(cluster.conf)}
    words = ("reproduce", "demo", "--seeds", "3", "--scale", "smoke", "--runtime", "process")
    words = (*words, "--json", "--no-report", "--project", str(PROJECT.root))
    far, near = tmp_path / "far", tmp_path / "near"
    cluster_words = ("--executor", "slurm", "--profile", str(profile), "--wait")
    there = harness(*words, *cluster_words, "--runs", str(far), **environ)
    assert there.returncode == 0, there.stderr
    here = harness(*words, "--runs", str(near), **environ)
    assert here.returncode == 0, here.stderr
    assert _scores(there.stdout) == _scores(here.stdout)
    assert len(_scores(here.stdout)) == 12
    records = [json.loads(path.read_text()) for path in far.glob("store/*/*/record.json")]
    assert {one["host"]["scheduler"]["node"] for one in records} == {"n1", "n2"}
    _assert_apart(records)
    cluster.until_empty()
    shutil.rmtree(tmp_path)


@pytest.mark.slow
@pytest.mark.upstream
def test_a_chain_of_a_real_method_runs_on_nodes(tmp_path: Path, cluster: Cluster) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text(yaml.safe_dump(PROFILE))
    environ = {**os.environ, "SLURM_CONF": str(cluster.conf)}
    words = ("reproduce", "sipe", "--backbone", "res38", "--losses", "none", "--seeds", "1")
    words = (*words, "--scale", "smoke", "--runtime", "process", "--json", "--no-report")
    words = (*words, "--executor", "slurm", "--profile", str(profile), "--wait")
    done = harness(*words, "--runs", str(tmp_path / "runs"), **environ)
    assert done.returncode == 0, done.stderr
    assert set(statuses(json.loads(done.stdout)).values()) == {"done"}


def _scores(text: str) -> dict[str, Any]:
    return {run["name"]: (run["scores"], run["stage_scores"]) for run in json.loads(text)["runs"]}


def _assert_apart(records: list[dict[str, Any]]) -> None:
    """No two steps had the same GPU of the same node at the same time."""
    used = defaultdict(list)
    for one in records:
        (gpu,) = one["container"]["gpus"]
        place = one["host"]["scheduler"]["node"], gpu
        used[place].append((one["time"]["start"], one["time"]["end"]))
    assert len(used) == 4
    for times in used.values():
        ordered = sorted(times)
        for (_, end), (start, _) in itertools.pairwise(ordered):
            assert end <= start
