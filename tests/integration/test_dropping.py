"""Retention with real processes: what nobody needs goes, what is needed again is made again."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.project import FIRST, LAST, Project, step, wait_for, writes

READS = "import sys; text = open(sys.argv[2]).read(); "
#: Its content is another each time it is made.
DRAWS = "import sys, time; open(sys.argv[1] + '/file', 'w').write(str(time.time_ns()))"


def middle(code: str = writes("middle"), *, retain: str = "consumers") -> dict[str, Any]:
    contract = {"kind": "file", "min_bytes": 2}
    outputs = {"file": {"path": "file", "contract": contract, "retain": retain}}
    inputs = {"file": "steps.first.file"}
    return step("middle", code, inputs=inputs, outputs=outputs)


def reader(name: str, code: str = "") -> dict[str, Any]:
    """Another step that reads from the middle one."""
    full = READS + (code or "open(sys.argv[1] + '/file', 'w').write(text)")
    return step(name, full, inputs={"file": "steps.middle.file"})


def project_of(root: Path, *steps: dict[str, Any]) -> Project:
    project = Project(root, step("middle", "pass"))
    project.write_steps(FIRST, *steps)
    return project


def file_of(project: Project, name: str) -> Path:
    """Where the step's output is, or was."""
    for path in project.runs.glob("store/*/*/record.json"):
        if json.loads(path.read_text())["identity"]["step"] == name:
            return path.parent / "out" / "file"
    raise AssertionError(f"{name} was never finished")


def cached(document: dict[str, Any]) -> dict[str, bool]:
    return {s["name"]: s["cached"] for s in document["runs"][0]["steps"]}


def test_an_intermediate_goes_and_its_step_stays_done(tmp_path: Path) -> None:
    project = project_of(tmp_path, middle(), LAST)
    assert project.reproduce()[0] == 0
    assert not file_of(project, "middle").exists()
    assert file_of(project, "first").exists()
    assert not list(project.runs.glob("dropped/*"))
    states = json.loads(project.run("status", "--json").stdout)["runs"]
    assert [run["state"] for run in states] == ["done"]
    plan = project.run("plan", "toy", "--losses", "none", "--seeds", "1", "--runtime", "process")
    assert "0 to do" in plan.stdout
    assert all(cached(project.reproduce()[1]).values())
    assert not file_of(project, "middle").exists()


def test_keep_keeps_everything(tmp_path: Path) -> None:
    project = project_of(tmp_path, middle(), LAST)
    assert project.reproduce("--keep")[0] == 0
    assert file_of(project, "middle").exists()
    # Whoever else drops heeds it; asked again without it, the plan keeps no more.
    project.write_steps(FIRST, middle(), reader("other"), LAST)
    assert project.reproduce()[0] == 0
    assert file_of(project, "middle").exists()
    project.write_steps(FIRST, middle(), LAST)
    assert project.reproduce()[0] == 0
    assert not file_of(project, "middle").exists()


def test_what_is_needed_again_is_made_again_alone(tmp_path: Path) -> None:
    project = project_of(tmp_path, middle(), LAST)
    project.reproduce()
    project.write_steps(FIRST, middle(), reader("other"), LAST)
    plan = project.run(
        *("plan", "toy", "--losses", "none", "--seeds", "1", "--runtime", "process", "--json")
    )
    states = [one["state"] for one in json.loads(plan.stdout)["steps"]]
    assert sorted(states) == ["done", "done", "to do", "to do: an output was dropped"]
    code, document, _ = project.reproduce()
    assert code == 0
    assert cached(document) == {"first": True, "middle": False, "other": False, "last": True}
    assert not file_of(project, "middle").exists()
    record = json.loads((file_of(project, "middle").parents[1] / "record.json").read_text())
    (once,) = record["remade"]
    assert once["outputs"]["file"]["before"] == once["outputs"]["file"]["after"]
    assert [s["remade"] for s in document["runs"][0]["steps"]] == [[]] * 4


def test_what_is_made_again_and_differs_is_recorded_and_shown(tmp_path: Path) -> None:
    project = project_of(tmp_path, middle(DRAWS), LAST)
    project.reproduce()
    path = file_of(project, "middle").parents[1] / "record.json"
    before = json.loads(path.read_text())
    project.write_steps(FIRST, middle(DRAWS), reader("other"), LAST)
    code, document, err = project.reproduce()
    assert code == 0
    assert {s["name"]: s["remade"] for s in document["runs"][0]["steps"]}["middle"] == ["file"]
    assert "this time the content differs: file" in err
    after = json.loads(path.read_text())
    noted = after["remade"][0]["outputs"]["file"]
    assert noted["before"] == before["outputs"]["file"]["sha256"]
    assert noted["after"] == after["outputs"]["file"]["sha256"] != noted["before"]
    assert after["time"] == before["time"]


def test_an_output_that_stayed_is_not_touched_when_another_is_made_again(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "for name in ('file', 'kept'): open(sys.argv[1] + '/' + name, 'w').write(str(time.time_ns()))"
    )
    both = middle(code)
    both["outputs"]["kept"] = {"path": "kept", "contract": {"kind": "file"}}
    project = project_of(tmp_path, both, LAST)
    project.reproduce()
    kept = file_of(project, "middle").with_name("kept")
    before = (kept.read_text(), kept.stat().st_ino)
    project.write_steps(FIRST, both, reader("other"), LAST)
    assert project.reproduce()[0] == 0
    assert (kept.read_text(), kept.stat().st_ino) == before


def test_an_unfinished_reader_of_another_plan_keeps_it(tmp_path: Path) -> None:
    fails = reader("other", "sys.exit(3)")
    project = project_of(tmp_path, middle(), fails, LAST)
    assert project.reproduce()[0] == 6
    assert file_of(project, "middle").exists()
    project.write_steps(FIRST, middle(), LAST)
    assert project.reproduce()[0] == 0
    assert file_of(project, "middle").exists()
    # The other plan is given up: nobody needs it any more.
    for path in project.runs.glob("plans/*.json"):
        names = {one["name"] for one in json.loads(path.read_text())["steps"].values()}
        if "other" in names:
            path.unlink()
    assert project.reproduce()[0] == 0
    assert not file_of(project, "middle").exists()


def test_two_plans_alive_at_once_never_take_each_others_inputs(tmp_path: Path) -> None:
    slow = reader(
        "other", "import time; time.sleep(2); open(sys.argv[1] + '/file', 'w').write(text)"
    )
    project = project_of(tmp_path, middle(), slow, LAST)
    long = project.start("--until", "other")
    wait_for(project.runs / "plans")
    short = project.start("--until", "final")
    for process in (short, long):
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert project.reproduce()[0] == 0
    assert not file_of(project, "middle").exists()


def test_what_a_plan_ends_in_stays(tmp_path: Path) -> None:
    project = project_of(tmp_path, middle(), LAST)
    assert project.reproduce("--until", "middle")[0] == 0
    assert file_of(project, "middle").exists()


def test_a_kill_while_dropping_loses_nothing(tmp_path: Path) -> None:
    project = project_of(tmp_path, middle(), LAST)
    project.reproduce("--keep")
    # As a kill between the rename and the removal leaves it.
    aside = project.runs / "dropped" / "half"
    aside.parent.mkdir(exist_ok=True)
    file_of(project, "middle").rename(aside)
    code, document, _ = project.reproduce()
    assert code == 0
    assert all(cached(document).values())
    assert not aside.exists()


def test_a_kill_while_an_output_is_made_again_leaves_the_rest_alone(tmp_path: Path) -> None:
    slow = (
        "import sys, time\nopen(sys.argv[1] + '/file', 'w').write('half')\n"
        "time.sleep(1)\nopen(sys.argv[1] + '/kept', 'w').write('kept')"
    )
    both = middle(slow)
    both["outputs"]["kept"] = {"path": "kept", "contract": {"kind": "file"}}
    project = project_of(tmp_path, both, LAST)
    project.reproduce()
    entry = file_of(project, "middle").parents[1]
    project.write_steps(FIRST, both, reader("other"), LAST)
    process = project.start()
    end = time.monotonic() + 60
    while not list(project.runs.glob("attempts/*/out/file")) and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert (entry / "out" / "kept").read_text() == "kept"
    assert (entry / "record.json").exists()
    assert project.reproduce()[0] == 0
