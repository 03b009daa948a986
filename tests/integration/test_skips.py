"""Tests whose engine is missing: skipped in one line for each marker, a failure where CI must have it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SKIPPED = "skipped: registry 2 (not installed: docker-registry (package docker-registry))"
#: One test of each kind: of a marker, of something else, of nothing.
_TESTS = """
import pytest
@pytest.mark.registry
def test_pushes(): pass
@pytest.mark.registry
def test_pulls(): pass
def test_else():
    {else_}
"""


def run_tests(tmp_path: Path, else_: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Pytest with this project's settings on three tests, where no registry is installed."""
    tests = tmp_path / "test_some.py"
    tests.write_text(_TESTS.format(else_=else_))
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    plain = {k: v for k, v in os.environ.items() if k not in {"CI", "HARNESS_BARE"}}
    return subprocess.run(
        [*argv, f"--rootdir={ROOT}", f"--config-file={ROOT / 'pyproject.toml'}", str(tests)],
        env={**plain, "PATH": str(tmp_path), **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_a_marker_misses_is_one_line(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "pass")
    assert done.returncode == 0, done.stdout
    assert [line for line in done.stdout.splitlines() if "skipped: " in line] == [SKIPPED]


def test_what_a_marker_misses_is_a_failure_in_ci(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "pass", CI="true")
    assert done.returncode == 1
    assert "missing under CI: not installed: docker-registry" in done.stdout


def test_what_a_marker_misses_is_skipped_on_a_bare_machine_of_ci(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "pass", CI="true", HARNESS_BARE="true")
    assert done.returncode == 0, done.stdout
    assert SKIPPED in done.stdout


def test_another_skip_on_a_bare_machine_is_a_failure(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "pytest.skip('no reason')", HARNESS_BARE="true")
    assert done.returncode == 1, done.stdout
    assert "skipped: no marker 1 (no reason)" in done.stdout


def test_what_is_not_hidden_on_a_bare_machine_is_a_failure(tmp_path: Path) -> None:
    there = tmp_path / "docker-registry"
    there.touch(mode=0o755)
    done = run_tests(tmp_path, "pass", HARNESS_BARE="true")
    assert done.returncode == 1, done.stdout
    assert "registry is there, although tests/services/bare.sh should hide it" in done.stdout
