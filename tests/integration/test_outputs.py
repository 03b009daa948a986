"""Every command's --json is as its schema says, errors of every kind included."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.shapes.outputs import output_schemas
from tests.outputs import valid
from tests.project import Project, step, writes

TESTS = Path(__file__).parent
#: What needs an engine, a registry, git or data is run by the tests of these files.
ELSEWHERE = {
    "anchor": "test_anchor.py",
    "lock": "test_registry.py",
    "method new": "test_method_new.py",
    "mirror create": "test_mirror_offline.py",
    "mirror verify": "test_mirror_offline.py",
    "record rebuild": "test_record.py",
    "rehearse": "test_rehearse.py",
    "submission package": "test_submission.py",
    "submission result": "test_submission.py",
    "exec-step": "test_exec_step.py",
    "submit": "test_slurm.py",
    "ablate fsl": "../unit/ablate/test_ablate.py",
}
ROOT = TESTS.parents[1]
CALLS = {
    "plan": ["plan", "toy", "--seeds", "1", "--runtime", "process"],
    "doctor": ["doctor", "toy", "--runtime", "process"],
    "fetch": ["fetch", "toy"],
    "build": ["build", "toy", "--runtime", "process"],
    "status": ["status"],
    "logs": ["logs", "{run}/middle"],
    "why": ["why", "{run}/middle"],
    "scores": ["scores", "--classes"],
    "record list": ["record", "list"],
    "record list --steps": ["record", "list", "--steps"],
    "record show": ["record", "show", "{run}"],
    "record diff": ["record", "diff", "{run}", "{run}"],
    "record check": ["record", "check", "{run}"],
    "record export": ["record", "export", "{run}", "--ro-crate", "{tmp}/crate.zip"],
    "report": ["report", "--output", "{tmp}/report.html"],
    "verify": ["verify"],
    "verify --store": ["verify", "--store"],
    "gc": ["gc", "--dry-run"],
    "cancel": ["cancel", "{run}"],
    "shell": ["shell", "{run}/middle"],
    "methods": ["methods"],
    "methods METHOD": ["methods", "toy"],
    "repos": ["repos"],
    "assets list": ["assets", "list"],
    "config": ["config"],
}
#: These are asked of the real project.
OURS = {
    "methods": ["methods"],
    "methods METHOD": ["methods", "sipe"],
    "repos": ["repos"],
    "assets list": ["assets", "list"],
    "manifest check": ["manifest", "check"],
    "plan": ["plan", "sipe", "--backbone", "res101", "--seeds", "1"],
    "table 6": ["table", "6"],
    "table 8": ["table", "8", "--format", "json"],
    "table": ["table", "stages"],
    "verdict": ["verdict"],
    "doctor": ["doctor", "seam"],
}


def json_commands() -> set[str]:
    """Every command with --json, by its words."""
    return {words for words, one in _leaves(typer.main.get_command(app), ()) if _has_json(one)}


def _leaves(command: Any, words: tuple[str, ...]) -> list[tuple[str, Any]]:
    commands = getattr(command, "commands", None)
    if commands is None:
        return [(" ".join(words), command)]
    return [leaf for name, one in commands.items() for leaf in _leaves(one, (*words, name))]


def _has_json(command: Any) -> bool:
    return any("--json" in one.opts for one in command.params)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """A project with one finished run, and the run's name."""
    project = Project(tmp_path_factory.mktemp("outputs"), step("middle", writes("middle")))
    code, document, err = project.reproduce()
    assert code == 0, err
    return project, document["runs"][0]["name"]


def test_every_command_with_json_has_a_schema_and_a_test() -> None:
    commands = json_commands()
    assert commands | {"error"} == set(output_schemas())
    here = {re.sub(r" (--\w+|METHOD|\d)$", "", name) for name in (*CALLS, *OURS)}
    tested = here | set(ELSEWHERE) | {"reproduce", "score", "assets add"}
    assert commands == tested
    for file in ELSEWHERE.values():
        assert "valid(" in (TESTS / file).read_text(encoding="utf-8"), file


@pytest.mark.parametrize("name", CALLS)
def test_a_finished_run_is_shown_as_the_schemas_say(
    finished: tuple[Project, str], tmp_path: Path, name: str
) -> None:
    project, run = finished
    words = [word.format(run=run, tmp=tmp_path) for word in CALLS[name]]
    if "runs" not in _takes(words):
        argv = project.argv(*words, "--json")
        argv = argv[: argv.index("--runs")]
    else:
        argv = project.argv(*words, "--json")
    done = subprocess.run(argv, env=project.environ, capture_output=True, text=True, check=False)
    document = valid(done.stdout)
    assert "error" not in document, document
    assert document["command"] == re.sub(r" (--\w+|METHOD)$", "", name)


def _takes(words: list[str]) -> set[str]:
    leaves = dict(_leaves(typer.main.get_command(app), ()))
    command = leaves.get(" ".join(words[:2])) or leaves[words[0]]
    return {one.name for one in command.params}


@pytest.mark.parametrize("name", OURS)
def test_the_project_is_shown_as_the_schemas_say(tmp_path: Path, name: str) -> None:
    document = valid(run(*OURS[name], "--json", cache=tmp_path).stdout)
    assert "error" not in document, document
    assert document["command"] == re.sub(r" (METHOD|\d)$", "", name)


def test_an_asset_that_is_added(finished: tuple[Project, str], tmp_path: Path) -> None:
    assets = finished[0].root / "manifests" / "assets.yaml"
    before = assets.read_text()
    assets.write_text("assets: {one: {title: One, size_gb: 0.1, how: by hand}}\n")
    try:
        (tmp_path / "file").write_text("content")
        document = valid(
            finished[0].run("assets", "add", "one", str(tmp_path / "file"), "--json").stdout
        )
    finally:
        assets.write_text(before)
    assert document.get("error") or document["assets"][0]["name"] == "one"


def test_scores_of_a_folder(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "list").write_text("a\n")
    words = ["score", "--pred", str(tmp_path), "--gt", str(tmp_path), "--list", f"{tmp_path}/list"]
    document = valid(run(*words, "--json", cache=tmp_path).stdout)
    assert document["command"] == "score"
    assert document["scores"]["J"] == pytest.approx(200 / 21)  # two classes of 21 are there


@pytest.mark.parametrize(
    ("words", "command", "code", "text"),
    [
        (["planz", "--json"], "", 2, "no command 'planz'"),
        (["record", "lst", "--json"], "record", 2, "no command 'lst'"),
        (["plan", "--json"], "plan", 2, "missing argument"),
        (["plan", "seam", "--seeds", "x", "--json"], "plan", 2, "invalid value for '--seeds'"),
        (["plan", "seam", "--losse", "isl", "--json"], "plan", 2, "no such option: --losse"),
        (["plan", "seam", "--json", "--seeds"], "plan", 2, "requires an argument"),
        (["repos", "more", "--json"], "repos", 2, "unexpected extra argument"),
        (["plan", "seem", "--json"], "plan", 2, "no method 'seem'"),
        (["table", "9", "--format", "json"], "table", 2, "no table '9'"),
        (
            ["submission", "result", "x", "--J", "1", "--date", "1", "--json"],
            "submission result",
            2,
            "YYYY-MM-DD",
        ),
        (["submission", "nothing", "--json"], "submission package", 2, "no method 'nothing'"),
        (["logs", "x/y", "--json"], "logs", 2, "no such run"),
    ],
)
def test_errors_are_json_too(
    tmp_path: Path, words: list[str], command: str, code: int, text: str
) -> None:
    done = run(*words, cache=tmp_path)
    document = valid(done.stdout)
    assert (document["command"], document["exit_code"], done.returncode) == (command, code, code)
    assert text in document["error"]
    assert f"hint: {document['hint']}" in done.stderr


def test_an_exception_that_nobody_expected_is_json_too(tmp_path: Path) -> None:
    code = (
        "import sys, harness.commands.context as context, harness.cli.app as app\n"
        "def broken(*a, **k): raise RuntimeError('broken')\n"
        "context.Context.open = broken\n"
        "import harness.cli; sys.argv = ['harness', 'repos', '--json']; harness.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    document = valid(done.stdout)
    assert (document["error"], document["exit_code"], done.returncode) == (
        "RuntimeError: broken",
        1,
        1,
    )
    assert "Traceback" in done.stderr


def test_unknown_names_are_answered_with_the_nearest(tmp_path: Path) -> None:
    hints = {
        ("planz",): "did you mean 'plan'?",
        ("plan", "seam", "--losse", "isl"): "did you mean --losses?",
        ("plan", "siep"): "did you mean 'sipe'?",
        ("assets", "add", "voc2021", "x"): "did you mean 'voc2012'?",
        ("verdict", "saem"): "did you mean 'seam'?",
        ("plan", "seam", "--option", "alhpas=1-24"): "did you mean 'alphas'?",
    }
    for words, hint in hints.items():
        document = valid(run(*words, "--json", cache=tmp_path).stdout)
        assert document["hint"].startswith(hint), words


def run(*words: str, cache: Path) -> "subprocess.CompletedProcess[str]":
    plain = {k: v for k, v in os.environ.items() if not k.startswith("HARNESS_")}
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=ROOT,
        env={**plain, "HARNESS_CACHE": str(cache / "cache"), "HARNESS_RUNS": str(cache / "runs")},
        capture_output=True,
        text=True,
        check=False,
    )
