"""GPUs end to end, without one: a played driver, real commands, processes and leases."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import docker
import pynvml
import pytest
import yaml
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from harness.layout import RunLayout
from harness.measured.kept import keep
from tests.fake_nvml import GB, Card
from tests.measured import measurement
from tests.played_nvml import play
from tests.project import SCORES, Project, finish, step, wait_for

A100, H100 = Card("GPU-a", "A100", 40 * GB, capability=(8, 0)), Card("GPU-h")
TELL = """
import os, sys
open(sys.argv[1] + "/file", "w").write("GPU " + os.environ["CUDA_VISIBLE_DEVICES"])
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A chain whose middle step wants a GPU, on a stack of harness's own Python for cards to 8.9."""
    return with_stacks(Project(tmp_path, wanting_gpu(TELL)))


def with_stacks(project: Project) -> Project:
    stacks = project.root / "manifests" / "stacks.yaml"
    host = yaml.safe_load(stacks.read_text())["stacks"]["host"]
    host |= {"archs": ["sm_80"], "driver": {"minimum": "450.80.02", "source": "x"}}
    newer = host | {"archs": ["sm_90"], "driver": {"minimum": "580", "source": "x"}}
    stacks.write_text(yaml.safe_dump({"stacks": {"host": host, "newer": newer}}))
    return project


def wanting_gpu(code: str, **fields: Any) -> dict[str, Any]:
    resources = {"paper": {"gpus": 1, "gpu_memory_gb": 24, "cpus": 1, "memory_gb": 1}}
    return step("middle", code, inputs={"file": "steps.first.file"}, resources=resources, **fields)


def offer(project: Project, *stacks: str) -> None:
    path = project.root / "manifests" / "methods" / "toy.yaml"
    method = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(method | {"stacks": list(stacks)}, sort_keys=False))
    for name in stacks:
        lock = project.root / "dockerfiles" / "toy" / f"{name}.lock"
        lock.write_text((lock.parent / "host.lock").read_text())


def plays(project: Project, *cards: Card, **fields: Any) -> None:
    folder = project.root.parent / "played"
    project.environ = play(folder, cards, environ=project.environ, **fields)


def middle(project: Project) -> dict[str, Any]:
    """The record of the step on the GPU, with what it wrote."""
    for path in project.runs.glob("store/*/*/record.json"):
        record: dict[str, Any] = json.loads(path.read_text())
        if record["identity"]["step"] == "middle":
            return record | {"wrote": (path.parent / "out" / "file").read_text()}
    raise AssertionError("the step was not published")


def test_a_step_sees_what_was_leased_and_the_record_says_so(project: Project) -> None:
    plays(project, A100, Card("GPU-b", capability=(8, 6)))
    assert project.reproduce()[0] == 0
    found = middle(project)
    assert found["wrote"] == "GPU GPU-a"
    assert found["container"]["gpus"] == ["GPU-a"]
    locks = Path(project.environ["HARNESS_CACHE"]).glob("gpus/*.lock")
    assert {path.stem for path in locks} >= {"GPU-a"}


@pytest.mark.parametrize(
    ("outer", "gpus", "uuid"),
    [(None, "1", "GPU-b"), ("GPU-b", None, "GPU-b"), ("1,0", "0", "GPU-a")],
)
def test_only_the_gpus_asked_for(
    project: Project, outer: str | None, gpus: str | None, uuid: str
) -> None:
    plays(project, A100, Card("GPU-b", "A100", capability=(8, 6)))
    if outer is not None:
        project.environ["CUDA_VISIBLE_DEVICES"] = outer
    assert project.reproduce(*(("--gpus", gpus) if gpus else ()))[0] == 0
    assert middle(project)["wrote"] == f"GPU {uuid}"


def test_a_gpu_that_is_hidden_or_not_there_is_a_usage_error(project: Project) -> None:
    plays(project, A100, Card("GPU-b", "A100", capability=(8, 6)))
    assert project.reproduce("--gpus", "7")[0] == 2
    project.environ["CUDA_VISIBLE_DEVICES"] = "0"
    code, document, _ = project.reproduce("--gpus", "1")
    assert (code, project.published()) == (2, [])
    assert "there are: 0 = GPU-a" in document["hint"]


@pytest.mark.parametrize("outer", ["", "-1"])
def test_an_empty_outer_variable_is_no_gpu(project: Project, outer: str) -> None:
    plays(project, A100)
    project.environ["CUDA_VISIBLE_DEVICES"] = outer
    code, document, _ = project.reproduce()
    assert (code, project.published()) == (3, [])
    assert f"(CUDA_VISIBLE_DEVICES is {outer!r})" in " ".join(document["error"].split())


def test_a_card_that_the_stack_cannot_drive_stops_all_before_anything_starts(
    project: Project,
) -> None:
    offer(project, "host", "newer")
    plays(project, H100)
    code, document, _ = project.reproduce()
    assert code == 3
    said = " ".join(document["error"].split())
    assert "stack host has no code for GPU 0 (NVIDIA H100 80GB HBM3, 80.0 GB, 9.0)" in said
    assert "use --stack newer" in said
    assert not (project.runs / "attempts").exists()
    assert not (project.runs / "plans").exists()


SMALL = Card("GPU-s", "RTX 3080", 10 * GB, capability=(8, 6))


def test_a_card_that_is_too_small_by_an_estimate_is_warned_of(project: Project) -> None:
    plays(project, SMALL)
    warning = "probably needs 24 GB of GPU memory (estimate), more than GPU 0 (RTX 3080, 10.0 GB"
    planned = project.run("plan", "toy", "--runtime", "process", "--json")
    (note,) = json.loads(planned.stdout)["gpus"]
    assert note.startswith("perhaps not on the GPUs at hand: step middle of toy")
    assert warning in note
    code, _, said = project.reproduce()
    assert code == 0
    assert warning in said


def test_a_card_that_is_too_small_as_measured_stops_all_before_anything_starts(
    project: Project,
) -> None:
    plays(project, SMALL)
    rehearsed = measurement(
        "middle", method="toy", backbone="tiny", stack="host", rate=None, outputs={}
    )
    keep(RunLayout(project.runs), rehearsed)
    code, document, _ = project.reproduce()
    assert (code, project.published()) == (3, [])
    needed = "needs 1 GPU(s) with 16.5 GB of memory (measured on Test GPU 80GB on 2026-11-30)"
    assert f"{needed}; too small: GPU 0" in " ".join(document["error"].split())
    planned = project.run("plan", "toy", "--runtime", "process", "--json")
    (note,) = json.loads(planned.stdout)["gpus"]
    assert needed in note


PICTURES = """
import os, pathlib, sys, time
import numpy as np
folder = pathlib.Path(sys.argv[1], "maps")
os.mkdir(folder)
for name in "abcde":
    time.sleep(0.2)
    np.save(folder / name, {0: np.zeros((8, 8), "float32")}, allow_pickle=True)
"""


def test_a_rehearsal_on_a_card_gives_hours_and_memory_to_a_plan(project: Project) -> None:
    text = "a\\nb\\nc\\nd\\ne\\n"
    first = step("first", f"import sys; open(sys.argv[1] + '/train.txt', 'w').write('{text}')",
                 stage=1, outputs={"file": {"path": ".", "contract": {"kind": "folder"}}})  # fmt: skip
    contract = {"kind": "npy-maps", "ids": "{in.file}/train.txt"}
    maps = wanting_gpu(PICTURES, outputs={"maps": {"path": "maps", "contract": contract}})
    score = step("last", f"import sys; open(sys.argv[1] + '/scores.json', 'w').write({SCORES!r})",
                 stage=9, score="final", inputs={"maps": "steps.middle.maps"},
                 outputs={"scores": {"path": "scores.json",
                                     "contract": {"kind": "json", "keys": ["scores"]}}})  # fmt: skip
    project.write_steps(first, maps, score)
    with_stacks(project)
    plays(project, A100)
    done = project.run("rehearse", "toy", "--runtime", "process", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scale"] == "rehearsal"
    planned = project.run("plan", "toy", "--runtime", "process", "--seeds", "1", "--json")
    document = json.loads(planned.stdout)
    for one in document["steps"]:
        figures = one["figures"]
        if one["name"] == "middle":
            assert figures["hours_from"].startswith("measured on A100 on 20")
            assert 0.15 * 1464 / 3600 < figures["hours"] < 3 * 1464 / 3600
            assert figures["gpu_memory_from"] == figures["hours_from"]
    outlook = document["outlook"]
    assert (outlook["hours_measured"], outlook["gpu_steps"]) == (1, 1)
    shown = project.run("plan", "toy", "--runtime", "process", "--seeds", "1").stdout
    assert re.search(r"GPU-hours\t0\.\d+ \(measured\)", shown)
    assert "measured\ton A100 on" in shown


@pytest.mark.podman
def test_a_podman_that_would_give_no_gpu_stops_all_before_anything_starts(
    project: Project, podman_host: str
) -> None:
    plays(project, A100)
    project.environ |= {"CONTAINER_HOST": podman_host}
    code, document, _ = project.reproduce("--runtime", "podman")
    with closing(docker.DockerClient(podman_host)) as client:
        version = client.info()["ServerVersion"]
    if tuple(int(part) for part in version.split(".")[:2]) >= (5, 4):
        pytest.skip(f"podman {version} honours requests for devices")
    assert (code, project.published()) == (3, [])
    said = " ".join(document["error"].split())
    assert f"podman {version} gives containers no GPU through its API" in said


def test_an_engine_that_is_not_there_stops_all_before_anything_starts(project: Project) -> None:
    plays(project, A100)
    project.environ["DOCKER_HOST"] = f"unix://{project.root}/no.sock"
    code, document, _ = project.reproduce("--runtime", "docker")
    assert (code, project.published()) == (3, [])
    assert "no docker engine answers" in document["error"]


def test_plan_says_so_and_refuses_only_cards_that_were_named(project: Project) -> None:
    offer(project, "host", "newer")
    words = ("plan", "toy", "--runtime", "process")
    for cards, note in (
        ((), None),
        ((A100,), "fits the GPUs at hand"),
        ((H100,), "use --stack newer"),
    ):
        plays(project, *cards)
        done = project.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        notes = json.loads(done.stdout)["gpus"]
        assert [note in one for one in notes] == [True] if note else notes == []
        assert note is None or note in project.run(*words).stdout.replace("\n", " ")
    refused = project.run(*words, "--gpus", "0", "--json")
    assert refused.returncode == 3
    assert "use --stack newer" in json.loads(refused.stdout)["error"]
    plays(project, A100)
    assert project.run(*words, "--gpus", "0").returncode == 0


def test_a_broken_driver_matters_only_where_gpus_are_needed(project: Project) -> None:
    plays(project, A100, fault=pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)
    code, document, _ = project.reproduce()
    assert (code, project.published()) == (3, [])
    assert "version mismatch" in document["error"]
    assert "restart the machine" in " ".join(document["error"].split())
    assert [one["name"] for one in document["missing"]] == ["driver"]
    done = project.run("plan", "toy", "--runtime", "process", "--json")
    assert "version mismatch" in json.loads(done.stdout)["gpus"][0]
    assert project.reproduce("--scale", "smoke")[0] == 0


def test_what_is_done_needs_no_gpu_any_more(project: Project) -> None:
    plays(project, A100)
    assert project.reproduce()[0] == 0
    plays(project)
    code, document, _ = project.reproduce()
    assert code == 0
    assert all(one["cached"] for one in document["runs"][0]["steps"])


WAITS = f"""
import os, sys, time
open(sys.argv[1] + "/started", "w").close()
while not os.path.exists(sys.argv[1] + "/go"):
    time.sleep(0.02)
{TELL}"""


def attempt(runs: Path) -> Path:
    """The /out of the step that waits in these runs."""
    end = time.monotonic() + 60
    while not (found := list(runs.glob("attempts/*/out/started"))):
        assert time.monotonic() < end, "the step did not start"
        time.sleep(0.02)
    return found[0].parent


def test_two_commands_take_turns_on_one_card(project: Project, tmp_path: Path) -> None:
    project.write(wanting_gpu(WAITS))
    with_stacks(project)
    plays(project, A100)
    other = Project(tmp_path / "other", wanting_gpu(WAITS))
    other.root, other.environ = project.root, project.environ
    with ExitStack() as running:
        started = running.enter_context(project.start())
        running.callback(started.kill)
        first = attempt(project.runs)
        waiting = running.enter_context(other.start())
        running.callback(waiting.kill)
        wait_for(other.runs / "store")  # it made its first step, so it wants the card now
        assert not list(other.runs.glob("attempts/*/out/started"))
        (first / "go").touch()
        (attempt(other.runs) / "go").touch()
        for process in (started, waiting):
            code, document, err = finish(process)
            assert code == 0, (document, err)
    assert middle(project)["time"]["end"] <= middle(other)["time"]["start"]


# --- many processes, some killed ------------------------------------------------------------------

WORKER = """
import sys
from pathlib import Path
from harness.layout import CacheLayout
from harness.gpus.leases import GpuLeases
from tests.unit.gpus.test_leases import CARDS, STACKS, step
leases = GpuLeases(CacheLayout(Path(sys.argv[1])), lambda: CARDS, STACKS)
held = []
for line in sys.stdin:
    word, _, count = line.strip().partition(" ")
    if word == "take":
        lease = leases.take(step(int(count)))
        held += [lease] if lease else []
        print("" if lease is None else ",".join(lease.uuids), flush=True)
    elif held:
        held.pop().give()
        print("given", flush=True)
    else:
        print("nothing", flush=True)
"""


class Worker:
    """A process that takes and gives as it is told."""

    def __init__(self, cache: Path) -> None:
        root = Path(__file__).resolve().parents[2]
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(cache)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        self.held: list[set[str]] = []

    def tell(self, words: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


class Processes(RuleBasedStateMachine):
    """Two processes that take and give cards, and are killed with some in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.workers = [Worker(Path(self.folder.name)) for _ in range(2)]

    @rule(who=st.integers(0, 1), count=st.integers(1, 4))
    def take(self, who: int, count: int) -> None:
        free = 4 - sum(len(one) for worker in self.workers for one in worker.held)
        found = self.workers[who].tell(f"take {count}")
        assert bool(found) == (count <= free)  # neither twice nor lost
        if found:
            cards = set(found.split(","))
            assert len(cards) == count
            assert not any(cards & one for worker in self.workers for one in worker.held)
            self.workers[who].held.append(cards)

    @rule(who=st.integers(0, 1))
    def give(self, who: int) -> None:
        worker = self.workers[who]
        assert worker.tell("give") == ("given" if worker.held else "nothing")
        if worker.held:
            worker.held.pop()

    @rule(who=st.integers(0, 1))
    def kill(self, who: int) -> None:
        self.workers[who].end()
        self.workers[who] = Worker(Path(self.folder.name))

    def teardown(self) -> None:
        for worker in self.workers:
            worker.end()
        last = Worker(Path(self.folder.name))
        assert len(last.tell("take 4").split(",")) == 4
        last.end()
        self.folder.cleanup()


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(max_examples=8, stateful_step_count=12)
TestProcesses = pytest.mark.slow(TestProcesses)
