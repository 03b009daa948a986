"""The command line: exit codes, clear errors, no heavy import, a plan on any machine."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.golden import PROJECT

#: A home of the tests' own: what is run there may make a cache.
_HOME = tempfile.TemporaryDirectory(prefix="harness-home-")


def harness(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "harness", *words]
    env = {"PATH": "/nowhere", "HOME": _HOME.name, **environ}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


@pytest.mark.parametrize(
    "module", ["docker", "git", "torch", "scipy", "matplotlib", "numpy", "jinja2", "PIL"]
)
def test_help_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, harness.cli; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_plan_of_seam_needs_nothing_but_harness(tmp_path: Path) -> None:
    done = harness("plan", "seam", "--seeds", "5", "--json", "--runs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert len(plan["runs"]) == 20
    assert len(plan["steps"]) < sum(len(run["steps"]) for run in plan["runs"])
    assert {step["state"] for step in plan["steps"]} <= {
        "to do",
        "to do: an asset is not hashed yet",
    }
    assert plan["totals"]["to_do"] == plan["totals"]["steps"] == len(plan["steps"])
    assert sum(job["steps"] for job in plan["jobs"]) == len(plan["steps"])
    assert [arm["name"] for arm in plan["arms"]] == [
        f"seam res38 {losses}" for losses in ("none", "isl", "fsl", "isl+fsl")
    ]
    assert plan["missing"]
    assert not list(tmp_path.iterdir())
    # δ 1.00 and ± 0.2: 0.95 / 0.224; δ 0.50 and ± 0.8: 0.45 / 0.89, less than any seeds can settle.
    assert "t6/seam/res38/none/F" in plan["verdicts"]["settled"]
    assert "t6/seam/res38/isl/J" in plan["verdicts"]["never"]


def test_a_plan_at_smoke_scale_promises_no_verdict(tmp_path: Path) -> None:
    done = harness("plan", "seam", "--scale", "smoke", "--json", "--runs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdicts"] is None


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["plan", "seem"], 2, "did you mean 'seam'"),
        (["plan", "seam", "--losses", "cam"], 2, "one of: none, isl, fsl, isl+fsl"),
        (["plan", "seam", "--backbone", "vgg"], 2, "its backbones: res38"),
        (["plan", "seam", "--stack", "cu90"], 2, "its stacks: cu117, cu130"),
        (["plan", "seam", "--option", "alphas"], 2, "--option NAME=CHOICE"),
        (["plan", "seam", "--option", "alphas=2-24"], 2, "choices: 1-24, 4-24"),
        (["plan", "seam", "--option", "beta=4-24"], 2, "options: alphas"),
        (["plan", "seam", "--seeds", "9"], 2, "ask for 1 to 5"),
        (["plan", "seam", "--seeds", "2", "--seed", "1"], 2, "not both"),
        (["plan", "seam", "--seed", "one"], 2, "--seed 1,2"),
        (
            ["plan", "seam", "--scale", "tiny"],
            2,
            "one of: paper, demo, rehearsal, rehearsal-cpu, smoke",
        ),
        (["plan", "seam", "--until", "nowhere"], 2, "steps: train-cam"),
        (["plan", "seam", "--project", "/nowhere"], 2, "no harness project"),
        (["frob"], 2, "no command 'frob'"),
    ],
)
def test_bad_usage(words: list[str], code: int, text: str, tmp_path: Path) -> None:
    more = ["--runs", str(tmp_path)] if words[0] == "plan" else []
    done = harness(*words, *more)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_paper_scale_without_gpu_or_data_says_what_is_missing(tmp_path: Path) -> None:
    done = harness("reproduce", "seam", "--runtime", "process", "--json", "--runs", str(tmp_path))
    assert done.returncode == 3
    error = json.loads(done.stdout)
    missing = {one["name"]: one["command"] for one in error["missing"]}
    absent = [name for name in missing if name not in {"disk", "shm"}]  # this machine's own
    assert absent == ["gpus", "git", "resnet38-imagenet"]  # no program is on PATH
    assert missing["resnet38-imagenet"] == "harness assets add resnet38-imagenet FILE"
    assert "--scale smoke" in error["error"]
    assert error["hint"] == (
        f"`harness doctor seam --runtime process --runs {tmp_path}` shows every check"
    )


def test_every_command_has_json_and_help() -> None:
    for command in ("repos", "methods", "manifest check", "assets list"):
        done = harness(*command.split(), "--json", "--project", str(PROJECT.root))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)


@pytest.mark.parametrize("method", ["seam", "sipe", "pmm", "mctformer", "spatial-bce", "demo"])
def test_a_method_is_described_with_what_the_sources_say(method: str, tmp_path: Path) -> None:
    done = harness("methods", method, "--json", "--runs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    steps = {step["name"] for step in found["steps"]}
    assert {step["stage"] for step in found["steps"]} <= set(range(1, 10))
    assert any(step["injects_losses"] for step in found["steps"])
    for anchor in found["anchors"]:
        assert anchor["replaces"].split(".")[0] in steps
    for option in found["options"]:
        assert option["default"] in [choice["name"] for choice in option["choices"]]
        assert all(choice["about"] for choice in option["choices"])
        assert (option["published"] is None) == (method == "demo"), option["name"]
    assert bool(found["paper"]) == (method != "demo")


def test_table_8_names_every_repository_with_commit_and_licence() -> None:
    done = harness("table", "8", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    shared = [r for r in rows if r["repository"] == "semantic-segmentation-codebase"]
    assert {r["method"]: r["backbones"] for r in shared}["seam"] == ["res38"]
    assert all(len(row["commit"]) == 40 and row["stages"] for row in rows)
    assert harness("table", "9").returncode == 2
