"""Containers of Podman on a real Slurm of two nodes, each with an engine of its own, at first empty."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_slurm import Submitting, statuses
from tests.project import PATIENT, step, writes
from tests.services.docker_engine import BASE
from tests.services.slurm_cluster import Cluster

pytestmark = [pytest.mark.slurm, pytest.mark.podman]
CONTAINED = ("--runtime", "podman", "--base", BASE)


class Containing(Submitting):
    """A project whose steps go to nodes in containers. The login node has the base, no other."""

    def __init__(self, root: Path, cluster: Cluster, podman_host: str) -> None:
        super().__init__(root, cluster, step("middle", writes("middle")))
        self.environ["CONTAINER_HOST"] = podman_host  # every job inherits these
        self.environ |= dict.fromkeys(("TMPDIR", "XDG_RUNTIME_DIR"), str(root / "login-only"))
        self._engine = root / "containers.conf"
        self._engine.write_text('[engine]\nruntime = "runc"\n')
        for node in ("n1", "n2"):
            storage = root / node / "storage.conf"
            storage.parent.mkdir()
            places = f'graphroot = "{root}/{node}/data"\nrunroot = "{root}/{node}/run"\n'
            storage.write_text(f'[storage]\ndriver = "overlay"\n{places}')
        storage = root / "$SLURMD_NODENAME" / "storage.conf"
        own = f"export CONTAINERS_CONF={self._engine} CONTAINERS_STORAGE_CONF={storage}"
        self.setup = {"setup": [own]}
        self.ask(**self.setup)

    def podman(self, node: str, *words: str) -> str:
        """What Podman prints on a node."""
        own = {"CONTAINERS_CONF": str(self._engine), "PATH": self.environ["PATH"]}
        own["CONTAINERS_STORAGE_CONF"] = str(self._engine.parent / node / "storage.conf")
        argv = ["podman", "--cgroup-manager=cgroupfs", *words]
        return subprocess.run(argv, env=own, capture_output=True, text=True, check=True).stdout

    def containers(self) -> str:
        """The names of the containers of both nodes."""
        return "".join(self.podman(node, "ps", "-aq") for node in ("n1", "n2"))

    def output(self, of: str) -> str:
        """What the job of a step printed."""
        (file,) = self.runs.glob(f"slurm/*/*-{of}-*.out")
        return file.read_text()


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, podman_host: str) -> Iterator[Containing]:
    made = Containing(tmp_path, cluster, podman_host)
    yield made
    for node in ("n1", "n2"):
        made.podman(node, "rm", "-af", "-t", "0")


def test_nodes_load_the_image_that_the_login_node_built_and_leave_nothing(
    project: Containing, cluster: Cluster
) -> None:
    code, done, err = project.submit("--wait", *CONTAINED)
    assert code == 0, err
    assert done["runs"][0]["scores"] == {"J": 50, "F": 40, "JF": 45}
    (record,) = project.records()
    assert record["runtime"]["runtime"] == "podman"
    assert record["environment"]["base"] == BASE
    node = record["host"]["scheduler"]["node"]
    assert record["environment"]["image"].removeprefix("sha256:") in project.podman(
        node, "images", "--no-trunc", "-q"
    )
    cluster.until_empty()
    assert project.containers() == ""
    assert _services(project) == []
    code, near, err = project.reproduce(*CONTAINED, "--runs", str(project.runs / "near"))
    assert code == 0, err
    assert near["runs"][0]["scores"] == done["runs"][0]["scores"]


def test_a_job_that_is_cancelled_takes_its_container_along(
    project: Containing, cluster: Cluster
) -> None:
    project.write(PATIENT)
    code, _, err = project.submit(*CONTAINED)
    assert code == 0, err
    project.half()
    assert project.containers()
    done = project.run("cancel", project.run_id())
    assert done.returncode == 0, done.stderr
    cluster.until_empty()
    assert project.published() == ["first"]
    assert list(project.runs.glob("attempts/*")) == []
    assert project.containers() == ""
    assert _services(project) == []


def test_a_step_that_fails_in_its_container_fails_its_job(
    project: Containing, cluster: Cluster
) -> None:
    project.write(step("middle", "print('alas'); raise SystemExit(3)"))
    code, done, _ = project.submit("--wait", *CONTAINED)
    assert code == 6
    assert statuses(done) == {"first": "done", "middle": "failed", "last": "blocked"}
    assert "exit code 3" in project.output("middle")
    cluster.until_empty()
    assert project.containers() == ""


def test_a_container_of_a_lost_node_is_ended_by_the_next_job_there(
    project: Containing, cluster: Cluster
) -> None:
    project.write(PATIENT)
    project.submit(*CONTAINED)
    project.half()
    lost = cluster.node_of(cluster.running("middle"))
    cluster.kill_node(lost)
    (project.half(2).parent / "go").touch()
    cluster.until_empty()
    assert project.published() == ["first", "last", "middle"]
    assert len(project.records()) == 1
    assert project.containers()  # the host is up: only the node is gone
    cluster.start_node(lost)
    project.write(step("middle", writes("other")))
    project.ask(**project.setup, cpu={"sbatch": [f"--nodelist={lost}"]})
    code, _, err = project.submit("--wait", *CONTAINED)
    assert code == 0, err
    assert project.containers() == ""


def _services(project: Containing) -> list[str]:
    """The Podman services of jobs that are still there."""
    done = subprocess.run(
        ["pgrep", "-af", "podman .*system service"], capture_output=True, text=True, check=False
    )
    login = project.environ["CONTAINER_HOST"]
    return [line for line in done.stdout.splitlines() if login not in line]
