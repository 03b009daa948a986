"""What a step prints, what a run is called by, and that every command's JSON is JSON."""

import json
from pathlib import Path

import pytest
import yaml

from tests.integration.test_faults import GOOD
from tests.project import Project, step, writes

_ESCAPES = "\x1b]52;c;cm0=\x07\x1b[2J[red]all[/] \u202e \x9b1m 10%\r20%\n"
_FAILS = step("middle", f"import sys; sys.stdout.write({_ESCAPES!r}); sys.exit(3)")
_RAW = set("\x1b\x07\x9b\u202e\r")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one asset of a folder of the user's, and a run of two seeds, all done."""
    root = tmp_path_factory.mktemp("finished")
    project = Project(root, GOOD)
    project.environ["DOCKER_HOST"] = f"unix://{root}/nowhere.sock"
    weights = root / "weights.bin"
    weights.write_bytes(b"weights" * 100)
    asset = {
        "title": "w",
        "by_hand": "ask",
        "size_gb": 0.1,
        "contract": {"kind": "file", "min_bytes": 1},
    }
    (project.root / "manifests" / "assets.yaml").write_text(
        yaml.safe_dump({"assets": {"weights": asset}})
    )
    added = project.run("assets", "add", "weights", str(weights))
    assert added.returncode == 0, added.stderr
    assert project.reproduce("--seeds", "2")[0] == 0
    return project


def run_ids(project: Project) -> list[str]:
    return [run["name"] for run in json.loads(project.run("status", "--json").stdout)["runs"]]


def test_a_log_is_stored_as_written_and_shown_readable(tmp_path: Path) -> None:
    project = Project(tmp_path, _FAILS)
    words = (
        "reproduce",
        "toy",
        "--losses",
        "none",
        "--seeds",
        "1",
        "--runtime",
        "process",
        "--no-report",
    )
    failed = project.run(*words)
    assert failed.returncode == 6
    assert "[red]all[/]" in failed.stderr
    (log,) = [p for p in project.runs.glob("attempts/*/output.log") if b"all" in p.read_bytes()]
    assert log.read_bytes() == _ESCAPES.encode()
    shown = project.run("logs", f"{run_ids(project)[0]}/middle")
    assert shown.stdout == "[red]all[/] \\u202e  10%\n20%\n"
    for said in (failed.stderr, failed.stdout, shown.stdout, shown.stderr):
        assert not _RAW & set(said)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *(("cancel", name) for name in ("", ".", "*", "../toy", "/", "oy", "toy-tiny-none-s9")),
        *(("logs", name) for name in ("", "?", "..", "none")),
        ("why", ""),
        ("shell", "-s1"),
    ],
)
def test_a_run_is_named_by_the_beginning_of_its_name(
    finished: Project, command: str, name: str
) -> None:
    words = [command] if command == "cancel" else [command, "--json"]
    step_of = name if command == "cancel" else f"{name}/middle"
    done = finished.run(*words, step_of)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_beginning_that_two_runs_share_is_refused_or_leads_to_one_step(finished: Project) -> None:
    two = finished.run("cancel", "toy")
    assert two.returncode == 2
    assert all(run in two.stderr for run in run_ids(finished))
    assert finished.run("logs", "toy/first").returncode == 0  # a step that both runs share


def test_cancel_of_a_finished_run_says_so(finished: Project) -> None:
    name = run_ids(finished)[0]
    done = finished.run("cancel", name)
    assert (done.returncode, done.stdout) == (0, f"{name}: it is finished; nothing was cancelled\n")
    document = json.loads(finished.run("cancel", name, "--json").stdout)
    assert (document["cancelled"], document["finished"]) == ([], True)


def test_cancel_of_a_run_that_stands_still_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path, step("middle", "import sys; sys.exit(1)"))
    project.reproduce()
    name = run_ids(project)[0]
    done = project.run("cancel", name)
    assert done.stdout == f"{name}: nothing of it is under way; nothing was cancelled\n"


@pytest.mark.parametrize(
    "words",
    [
        "reproduce toy --losses none --seeds 2 --runtime process",
        "plan toy --losses none --seeds 2 --runtime process",
        "doctor",
        "doctor toy --losses none --runtime process",
        "fetch toy",
        "build toy --runtime process",
        "verify",
        "verify --store",
        "status",
        "logs RUN/middle",
        "why RUN/middle",
        "shell RUN/middle",
        "cancel RUN",
        "gc --store --cache",
        "gc --dry-run",
        "assets list",
    ],
)
def test_every_command_prints_json_on_a_project_with_state(finished: Project, words: str) -> None:
    asked = words.replace("RUN", run_ids(finished)[0]).split()
    done = finished.run(*asked, "--json")
    assert done.returncode in {0, 3}, done.stderr  # 3: what `doctor` misses
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    assert isinstance(document, dict)
    if done.returncode:
        assert words.startswith("doctor"), done.stderr


def test_an_asset_that_is_there_is_listed(finished: Project) -> None:
    (row,) = json.loads(finished.run("assets", "list", "--json").stdout)["assets"]
    assert row["state"] == "ready"
    assert Path(row["path"]).is_file()
    assert row["path"] in finished.run("assets", "list").stdout.replace("\n", "").replace(" ", "")


def test_a_run_of_the_same_beginning_is_found_by_its_whole_name(tmp_path: Path) -> None:
    project = Project(tmp_path, step("middle", writes("middle")))
    project.reproduce()
    name = run_ids(project)[0]
    assert project.run("logs", f"{name}/middle").returncode == 0
    assert project.run("logs", f"{name[:-3]}/middle").returncode == 0
    assert project.run("logs", f"{name}x/middle").returncode == 2
