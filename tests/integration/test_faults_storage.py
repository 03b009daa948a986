"""Disks that fill, files that shrink, leases of the dead and of others, clocks that move."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from harness.layout import RunLayout
from tests.integration.test_faults import GOOD, only_error
from tests.integration.test_faults_containers import CONTAINED, containers, out_of, works
from tests.project import Project, finish, interrupt, step

#: Writes its output, then all that the file system takes besides.
FILLS = """
import sys, uuid
out = sys.argv[1]
open(out + '/half', 'w').write(uuid.uuid4().hex)
open(out + '/file', 'w').write('middle')
with open(out + '/ballast', 'wb', buffering=0) as ballast:
    try:
        while True:
            ballast.write(bytes(4096))
    except OSError:
        pass
"""
#: A `sitecustomize` for harness itself: wall clocks are DAYS off, monotonic ones are not.
SHIFTED = """
import datetime, time
SHIFT = DAYS * 86400
real_time, real_ns, real = time.time, time.time_ns, datetime.datetime
time.time = lambda: real_time() + SHIFT
time.time_ns = lambda: real_ns() + SHIFT * 10**9
class Shifted(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + datetime.timedelta(seconds=SHIFT)
datetime.datetime = Shifted
"""


@pytest.fixture
def small_disk(tmp_path: Path, require: Callable[[bool, str], None]) -> Iterator[Path]:
    """`runs/` on a file system of 6 MB."""
    require(os.getuid() == 0, "mounting takes root")
    runs = tmp_path / "runs"
    runs.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(runs)], check=False
    )
    require(done.returncode == 0, "this machine mounts nothing")
    yield runs
    subprocess.run(["umount", "-l", str(runs)], check=True)


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)


def said(stream: IO[str] | None, words: str) -> str:
    """Read on until a line with `words`."""
    assert stream is not None
    for line in stream:
        if words in line:
            return line
    raise AssertionError(f"{words!r} was never said")


def not_half_written(project: Project) -> None:
    """No entry without its record, no JSON that does not parse, no temporary file."""
    for entry in project.runs.glob("store/*/*"):
        assert (entry / "record.json").exists()
    for path in project.runs.rglob("*.json"):
        json.loads(path.read_text())
    assert [path for path in project.runs.rglob(".*") if path.is_file()] == []


def test_a_disk_that_is_full_at_publication_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    project = Project(tmp_path, step("middle", FILLS))
    code, document, _ = project.reproduce("--retries", "0")
    assert code == 3
    assert "No space left on device" in only_error(document)
    assert "publishing step middle" in only_error(document)
    assert project.published() == ["first"]
    not_half_written(project)

    project.write(GOOD)
    grow(small_disk)
    assert project.reproduce("--retries", "0")[0] == 0
    not_half_written(project)


def test_publication_is_tried_again_and_the_step_is_not(tmp_path: Path, small_disk: Path) -> None:
    project = Project(tmp_path, step("middle", FILLS))
    running = project.start()
    said(running.stderr, "publishing step middle")
    (half,) = project.runs.glob("attempts/*/out/half")
    process = half.read_text()
    grow(small_disk)
    code, _, err = finish(running)
    assert code == 0, err
    assert out_of(project, "half") == process
    not_half_written(project)


@pytest.mark.docker
def test_what_a_full_disk_kept_from_the_store_is_published_by_the_next_call(
    tmp_path: Path, small_disk: Path, docker_host: str
) -> None:
    project = Project(tmp_path, step("middle", FILLS))
    project.environ["DOCKER_HOST"] = docker_host
    code, document, _ = project.reproduce(*CONTAINED, "--retries", "0")
    assert code == 3, document
    (half,) = project.runs.glob("attempts/*/out/half")
    process = half.read_text()
    assert len(containers(project)) == 1
    not_half_written(project)

    grow(small_disk)
    code, _, err = project.reproduce(*CONTAINED)
    assert code == 0, err
    assert out_of(project, "half") == process  # it ran once
    assert containers(project) == []
    not_half_written(project)


def test_a_step_that_finds_no_space_did_not_fail(tmp_path: Path, small_disk: Path) -> None:
    del small_disk
    project = Project(tmp_path, step("middle", FILLS + "sys.exit(1)"))
    code, document, _ = project.reproduce("--retries", "0")
    assert code == 3
    assert "no space left on the device" in only_error(document)
    (record,) = project.records()
    assert (record["exit"]["cause"], record["exit"]["fault"]) == ("infrastructure",) * 2


# --- files that shrink ------------------------------------------------------------------------------


def test_a_truncated_output_is_set_aside_and_made_again(tmp_path: Path) -> None:
    project = Project(tmp_path, GOOD)
    assert project.reproduce()[0] == 0
    (entry,) = (p for p in project.runs.glob("store/*/*/out/file") if p.read_text() == "middle")
    os.truncate(entry, 3)

    code, document, err = project.reproduce()

    assert code == 0
    assert "recorded as 1 files of 6 bytes" in err
    assert [s["cached"] for s in document["runs"][0]["steps"]] == [True, False, True]
    assert entry.read_text() == "middle"
    (aside,) = project.runs.glob("quarantine/*/out/file")
    assert aside.read_text() == "mid"


# --- leases of the dead and of others, clocks that move -------------------------------------------


def key_of(project: Project, name: str = "middle") -> str:
    words = ("plan", "toy", "--losses", "none", "--seeds", "1", "--runtime", "process", "--json")
    document = json.loads(project.run(*words).stdout)
    return next(one["key"] for one in document["steps"] if one["name"] == name)


def test_the_lease_of_a_dead_process_is_no_obstacle(tmp_path: Path) -> None:
    project = Project(tmp_path, step("middle", works(600)))
    first = project.start()
    project.started(first)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    (left,) = project.runs.glob("leases/[!p]*.json")
    assert json.loads(left.read_text())["owner"]["pid"] == first.pid
    second = project.start()
    while not left.exists() or json.loads(left.read_text())["owner"]["pid"] != second.pid:
        assert second.poll() is None, second.communicate()
        time.sleep(0.02)
    interrupt(second)
    assert finish(second)[0] == 130
    assert not left.exists()


def moved(project: Project, days: int) -> None:
    """Run what follows with wall clocks that are `days` off."""
    folder = project.root.parent / "clock"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SHIFTED.replace("DAYS", str(days)))
    project.environ["PYTHONPATH"] = str(folder)


@pytest.mark.parametrize("days", [-400, 400])
def test_a_live_lease_of_another_host_holds_whatever_the_clock_says(
    tmp_path: Path, days: int
) -> None:
    project = Project(tmp_path, GOOD)
    project.reproduce("--until", "first")
    layout, key = RunLayout(project.runs), key_of(project)
    moved(project, days)

    def beat(counter: int) -> None:
        owner = {"name": "far", "host": "other:boot:node", "pid": 7, "start": "1"}
        fresh = layout.heartbeat(key).with_suffix(".fresh")
        fresh.write_text(json.dumps({"owner": owner, "counter": counter}))
        fresh.replace(layout.heartbeat(key))

    beat(0)
    waiting = project.start()
    while not layout.lease(key).exists():
        assert waiting.poll() is None, waiting.communicate()
        time.sleep(0.02)
    for counter in range(1, 10):
        beat(counter)
        time.sleep(0.2)
    assert project.published() == ["first"]
    assert list(project.runs.glob(f"attempts/{key[:16]}-*")) == []
    interrupt(waiting)
    code, document, _ = finish(waiting)
    assert code == 130
    assert "process 7 on far" in only_error(document)


@pytest.mark.parametrize("days", [-400, 400])
def test_two_harnesses_with_clocks_far_apart_run_a_step_once(tmp_path: Path, days: int) -> None:
    project = Project(tmp_path, step("middle", works(3)))
    first = project.start()
    process = project.started(first).read_text()
    moved(project, days)
    second = project.start()
    ends = [finish(one) for one in (first, second)]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert out_of(project, "half") == process
    assert ends[1][1]["runs"][0]["steps"][1]["cached"]
