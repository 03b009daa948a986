"""A clone of the project has the same bytes, and so the same keys, under any git settings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PLAN = ("plan", "all", "demo", "--seeds", "1", "--scale", "smoke", "--json")


def git(folder: Path, *words: str, home: Path) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose only commit is this checkout's files as they are now."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    folder = tmp_path_factory.mktemp("committed")
    home = tmp_path_factory.mktemp("home")
    git(folder, "init", "-q", home=home)
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in git(ROOT, *listed, home=home).split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(source.read_bytes())
    git(folder, "-c", "core.autocrlf=false", "add", "-A", home=home)
    person = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    git(folder, *person, "commit", "-q", "-m", "all", home=home)
    return folder


def plan(clone: Path) -> dict[str, list[str]]:
    """The steps' keys of all methods, by the code in the clone."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("HARNESS_", "PYTHON"))}
    argv = [sys.executable, "-m", "harness", *_PLAN]
    done = subprocess.run(argv, cwd=clone, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["runs"]
    return {run["name"]: sorted(run["steps"].values()) for run in runs}


def contents(clone: Path) -> dict[str, bytes]:
    files = (p for p in clone.rglob("*") if p.is_file() and ".git" not in p.parts)
    return {p.relative_to(clone).as_posix(): p.read_bytes() for p in files if p.suffix != ".pyc"}


_SETTINGS = {
    "autocrlf": "[core]\n autocrlf = true\n",
    "eol": "[core]\n autocrlf = true\n eol = crlf\n",
    "attributes": "[core]\n attributesFile = ~/attributes\n"
    '[filter "shout"]\n smudge = tr a-z A-Z\n clean = tr A-Z a-z\n',
}
_ATTRIBUTES = (
    "* ident\n*.py filter=shout\n*.yaml text eol=crlf\n*.sh working-tree-encoding=UTF-16\n"
)


@pytest.mark.parametrize("name", sorted(_SETTINGS))
def test_a_clone_is_the_same_under_any_settings(committed: Path, tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(_SETTINGS[name])
    (home / "attributes").write_text(_ATTRIBUTES)
    git(tmp_path, "clone", "-q", committed.as_uri(), "clone", home=home)
    clone = tmp_path / "clone"
    assert contents(clone) == contents(committed)
    assert git(clone, "status", "--porcelain", home=home) == ""
    if name == "eol":
        assert plan(clone) == plan(committed)
