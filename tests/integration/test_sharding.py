"""Shards with real processes: equal bytes, a failed part alone is repeated, a kill loses nothing."""

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.project import SCORES, Project, finish, step
from tests.services.docker_engine import BASE

LISTS = step(
    "lists",
    """
import pathlib, sys
out, names = pathlib.Path(sys.argv[1]), 'abcdefg'
for folder, text in ('ids', '@'), ('lines', '/Pictures/@.jpg /Masks/@.png'):
    (out / folder).mkdir()
    lines = [text.replace('@', name) + '\\n' for name in names]
    (out / folder / 'all.txt').write_text(''.join(lines))
    (out / folder / 'other.txt').write_text(lines[0])
""",
    outputs={
        name: {"path": name, "contract": {"kind": "folder", "globs": ["*.txt"]}}
        for name in ("ids", "lines")
    },
)
#: Whoever has `d` on its list waits for an answer, if asked to.
LABEL = """
import pathlib, struct, sys, time, zlib
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
def png(value):  # 4 x 3 pixels, 8-bit grey
    head, rows = struct.pack('>IIBBBBB', 4, 3, 8, 0, 0, 0, 0), bytes([0, *[value] * 4]) * 3
    chunks = (b'IHDR', head), (b'IDAT', zlib.compress(rows)), (b'IEND', b'')
    return bytes([137, 80, 78, 71, 13, 10, 26, 10]) + b''.join(chunk(*c) for c in chunks)
out, lines, ids = map(pathlib.Path, sys.argv[1:4])
names = [line.split()[0].split('/')[-1][:-4] for line in (lines / 'all.txt').open()]
assert (ids / 'all.txt').read_text().split() == names
assert (ids / 'other.txt').read_text() == 'a\\n'
print('labels', *names)
if WAIT and 'd' in names:
    (out / 'waiting').touch()
    while not (out / 'answer').exists():
        time.sleep(0.02)
    answer = (out / 'answer').read_text()
    (out / 'answer').unlink()
    (out / 'waiting').unlink()
    if answer == 'fail':
        sys.exit(3)
for name in names:
    (out / 'labels' / (name + '.png')).write_bytes(png(ord(name) % 21))
"""
LAST = step(
    "last",
    f"import sys; open(sys.argv[1] + '/scores.json', 'w').write({SCORES!r})",
    stage=9,
    score="final",
    inputs={"labels": "steps.label.labels"},
    outputs={"scores": {"path": "scores.json", "contract": {"kind": "json", "keys": ["scores"]}}},
)


def label(*, wait: bool = False, code: str = LABEL) -> dict[str, Any]:
    """The step that is sharded."""
    return step(
        "label",
        code.replace("WAIT", str(wait)),
        inputs={"lines": "steps.lists.lines", "ids": "steps.lists.ids"},
        out_folders=["labels"],
        outputs={
            "labels": {
                "path": "labels",
                "contract": {"kind": "png-labels", "ids": "{in.ids}/all.txt"},
            }
        },
        shards={"by": "{in.lines}/all.txt", "max": 3},
    )


def project_of(root: Path, **changes: Any) -> Project:
    project = Project(root, step("middle", "pass"))
    project.write_steps(LISTS, label(**changes), LAST)
    return project


def record_of(project: Project, name: str = "label") -> Mapping[str, Any]:
    records = [json.loads(p.read_text()) for p in project.runs.glob("store/*/*/record.json")]
    (found,) = [record for record in records if record["identity"]["step"] == name]
    return dict(found)


@pytest.fixture
def answers() -> Iterator["Answers"]:
    """Answer every part that waits."""
    made = Answers()
    yield made
    made.over.set()


class Answers:
    """Says `go` or `fail` to whoever waits, once asked to."""

    def __init__(self) -> None:
        self.over = Event()

    def give(self, project: Project, answer: str) -> None:
        """From now on."""
        self.over.set()
        self.over = Event()
        Thread(target=self._answer, args=(project, answer, self.over), daemon=True).start()

    def _answer(self, project: Project, answer: str, over: Event) -> None:
        while not over.wait(0.02):
            for waiting in project.runs.glob("attempts/*/out/waiting"):
                fresh = waiting.with_name("fresh")
                fresh.write_text(answer)
                fresh.rename(waiting.with_name("answer"))


def test_one_and_three_shards_give_equal_bytes_under_one_key(tmp_path: Path) -> None:
    whole, parts = project_of(tmp_path / "one"), project_of(tmp_path / "three")
    assert whole.reproduce()[0] == 0
    code, document, _ = parts.reproduce("--shards", "3")
    assert code == 0
    assert document["runs"][0]["scores"] == {"J": 50, "F": 40, "JF": 45}
    one, three = record_of(whole), record_of(parts)
    assert one["identity"]["key"] == three["identity"]["key"]
    assert one["outputs"] == three["outputs"]
    assert one["outputs"]["labels"]["files"] == 7
    assert [part["ids"] for part in three["shards"]] == [["a", "b"], ["c", "d"], ["e", "f", "g"]]
    assert "shards" not in one
    assert three["time"]["seconds"] >= sum(part["time"]["seconds"] for part in three["shards"])
    log = parts.run("logs", f"{document['runs'][0]['name']}/label").stdout
    assert [line for line in log.splitlines() if line.startswith("labels")] == [
        "labels a b",
        "labels c d",
        "labels e f g",
    ]


def test_the_parts_go_when_the_whole_is_there(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    assert project.reproduce("--shards", "2")[0] == 0
    assert project.published() == ["label", "last", "lists"]
    assert not list(project.runs.glob("shards/*"))
    assert not list(project.runs.glob("dropped/*"))
    assert not list(project.runs.glob("attempts/*"))
    code, document, _ = project.reproduce("--shards", "3")
    assert code == 0
    assert all(s["cached"] for s in document["runs"][0]["steps"])


def test_a_failed_shard_alone_is_repeated(tmp_path: Path, answers: Answers) -> None:
    project = project_of(tmp_path, wait=True)
    answers.give(project, "fail")
    code, document, _ = project.reproduce("--shards", "3")
    assert code == 6
    steps = {s["name"]: s for s in document["runs"][0]["steps"]}
    assert [s["status"] for s in steps.values()] == ["done", "failed", "blocked"]
    assert "step label 2/3 (toy, stage 2): exit code 3" in steps["label"]["error"]
    assert project.published() == ["label 1/3", "label 3/3", "lists"]
    before = {n: record_of(project, f"label {n}/3")["time"] for n in (1, 3)}
    states = json.loads(project.run("status", "--json").stdout)["runs"][0]["steps"]
    assert {s["name"]: s["state"] for s in states}["label"] == "failed"
    answers.give(project, "go")
    assert project.reproduce("--shards", "3")[0] == 0
    after = [part["time"] for part in record_of(project)["shards"]]
    assert (after[0], after[2]) == (before[1], before[3])


def test_a_kill_between_shards_loses_nothing(tmp_path: Path, answers: Answers) -> None:
    project = project_of(tmp_path, wait=True)
    process = project.start("--shards", "3", "--jobs", "1")
    end = time.monotonic() + 60
    while not list(project.runs.glob("attempts/*/out/waiting")) and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert project.published() == ["label 1/3", "lists"]
    before = record_of(project, "label 1/3")["time"]
    answers.give(project, "go")
    assert project.reproduce("--shards", "3")[0] == 0
    assert record_of(project)["shards"][0]["time"] == before
    assert not list(project.runs.glob("attempts/*"))


def test_another_number_of_parts_is_another_split(tmp_path: Path, answers: Answers) -> None:
    project = project_of(tmp_path, wait=True)
    answers.give(project, "fail")
    project.reproduce("--shards", "3")
    answers.give(project, "go")
    assert project.reproduce("--shards", "2")[0] == 0
    assert [len(part["ids"]) for part in record_of(project)["shards"]] == [3, 4]


def test_two_harnesses_share_the_parts(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    ends = [finish(p) for p in [project.start("--shards", "3") for _ in range(2)]]
    assert [code for code, _, _ in ends] == [0, 0]
    assert project.published() == ["label", "last", "lists"]
    assert len(record_of(project)["shards"]) == 3


def test_a_part_that_writes_what_is_not_its_own_is_refused(tmp_path: Path) -> None:
    code = LABEL + "\n(out / 'labels' / 'extra.png').write_bytes(png(0))\n"
    exit_code, document, _ = project_of(tmp_path, code=code).reproduce("--shards", "2")
    assert exit_code == 6
    assert "unexpected: extra.png" in str(document)


def test_lists_that_differ_cannot_be_split(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    other = label() | {"shards": {"by": "{in.lines}/other.txt", "max": 3}}
    project.write_steps(LISTS, other, LAST)
    code, document, _ = project.reproduce("--shards", "3")
    assert code == 6
    assert "names other ids than {in.lines}/other.txt" in str(document)
    assert project.reproduce()[0] == 0


def test_a_step_that_cannot_be_sharded_is_refused_with_its_line(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.write_steps(LISTS, label() | {"stochastic": True}, LAST)
    code, document, _ = project.reproduce()
    assert code == 2
    assert "other numbers" in document["error"]
    assert "toy.yaml" in document["error"]


@pytest.mark.docker
def test_parts_in_containers_are_followed_after_a_kill(
    tmp_path: Path, docker_host: str, answers: Answers
) -> None:
    project = project_of(tmp_path, wait=True)
    project.environ["DOCKER_HOST"] = docker_host
    contained = ("--runtime", "docker", "--base", BASE, "--shards", "2")
    process = project.start(*contained)
    end = time.monotonic() + 300
    while not list(project.runs.glob("attempts/*/out/waiting")) and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    answers.give(project, "go")
    code, _, err = project.reproduce(*contained)
    assert code == 0, err
    assert "step label 2/2 (toy, stage 2): following harness-" in err
    assert [len(part["ids"]) for part in record_of(project)["shards"]] == [3, 4]
    assert project.published() == ["label", "last", "lists"]
