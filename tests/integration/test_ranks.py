"""One process per GPU: real processes of a script that says what it sees."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAY = """
import json, os, sys
names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "HARNESS_SEED")
seen = {name: os.environ.get(name) for name in names} | {"argv": sys.argv[1:]}
seen["beside"] = __import__("beside").HERE
open("seen-" + seen["RANK"], "w").write(json.dumps(seen))
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working directory with a module in it, and scripts in a folder of it."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "beside.py").write_text("HERE = True\n")
    (tmp_path / "tools" / "say.py").write_text(SAY)
    fail = "import os, sys, time\nif os.environ['RANK'] == '1':\n    sys.exit(7)\ntime.sleep(600)\n"
    (tmp_path / "tools" / "fail.py").write_text(fail)
    return tmp_path


def ranks(work: Path, count: int, *script: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "harness.glue.ranks", "--count", str(count), *script]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HARNESS_SEED": "5"}
    return subprocess.run(argv, cwd=work, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("count", [0, 1])
def test_no_gpu_and_one_are_one_process(work: Path, count: int) -> None:
    assert ranks(work, count, "tools/say.py", "--flag", "x").returncode == 0
    seen = json.loads((work / "seen-0").read_text())
    assert (seen["RANK"], seen["WORLD_SIZE"], seen["HARNESS_SEED"]) == ("0", "1", "5")
    assert (seen["argv"], seen["beside"]) == (["--flag", "x"], True)


def test_processes_share_a_port_and_no_seed(work: Path) -> None:
    assert ranks(work, 3, "tools/say.py").returncode == 0
    seen = [json.loads((work / f"seen-{rank}").read_text()) for rank in range(3)]
    assert [one["RANK"] for one in seen] == [one["LOCAL_RANK"] for one in seen] == ["0", "1", "2"]
    assert len({(one["MASTER_ADDR"], one["MASTER_PORT"], one["WORLD_SIZE"]) for one in seen}) == 1
    assert len({one["HARNESS_SEED"] for one in seen}) == 3
    assert seen[0]["HARNESS_SEED"] == "5"


def test_a_failure_ends_the_others_and_is_the_status(work: Path) -> None:
    assert ranks(work, 2, "tools/fail.py").returncode == 7


def test_a_script_must_be_named(work: Path) -> None:
    done = ranks(work, 2)
    assert done.returncode == 2
