"""The door to git: what is missing is said, nothing is inherited, nothing is fetched unasked."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.environments.mirror import MirrorLayout
from harness.errors import MismatchError, NotReadyError
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.model import Scale
from harness.sources.git import GitCommands, state_of
from harness.sources.git_settings import connection
from harness.sources.repositories import Repositories
from harness.sources.sources import Sources
from harness.sources.worktree import unseal
from tests.integration.conftest import SCRIPT


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReadyError, match="git is not on PATH") as caught:
        GitCommands().create(tmp_path / "x.git")
    assert (caught.value.exit_code, "install git" in caught.value.hint) == (3, True)


def test_import_is_light() -> None:
    code = "import sys, harness.sources.git; sys.exit('git' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_failure_says_the_verb_and_what_git_said(source_project: Any) -> None:
    with pytest.raises(MismatchError, match="git ls-tree failed: fatal: not a tree object"):
        GitCommands().entries(source_project.bare, "1" * 40)


def test_a_lacking_repository_is_not_completed_behind_our_back(
    source_project: Any, tmp_path: Path
) -> None:
    partial = tmp_path / "partial.git"
    origin = f"file://{source_project.upstream}"
    source_project.git("clone", "--quiet", "--bare", "--filter=blob:none", origin, str(partial))
    blob = source_project.git("rev-parse", "HEAD:run.py").strip()

    with pytest.raises(MismatchError):
        list(GitCommands().blobs(partial, [blob]))
    found = source_project.git("cat-file", "--batch-all-objects", "--batch-check", cwd=partial)
    assert blob not in found


def test_hooks_and_settings_of_the_user_are_not_used(
    source_project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text("[core]\n\tautocrlf = true\n[apply]\n\twhitespace = error-all\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    patch = source_project.insert("blank", 2, "blank at the end \n")
    folder = tmp_path / "files"
    folder.mkdir()
    source_project.git("checkout", "--quiet", "run.py")
    (folder / "run.py").write_bytes((source_project.upstream / "run.py").read_bytes())

    GitCommands().apply(folder, patch)

    assert b"script\nblank at the end \nstep 3" in (folder / "run.py").read_bytes()


def test_patch_that_does_not_apply_changes_nothing(source_project: Any, tmp_path: Path) -> None:
    patch = source_project.insert("hello", 2, "hello from a patch\n")
    folder = tmp_path / "files"
    folder.mkdir()
    with pytest.raises(MismatchError, match="git apply failed"):
        GitCommands().apply(folder, patch)
    assert list(folder.iterdir()) == []


def test_an_exported_repository_has_the_pin_and_what_was_asked_for(
    source_project: Any, tmp_path: Path
) -> None:
    git, bare = GitCommands(), source_project.bare
    (source_project.upstream / "sub").mkdir()
    source_project.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    source_project = source_project.commit()
    first = source_project.repository.commit
    (source_project.upstream / "start.py").write_text("start again\n")
    second = source_project.commit().repository.commit
    target = tmp_path / "made" / "owner" / "tool.git"
    entries = git.entries(bare, first)
    wanted = {entries[path].id for path in ("run.py", "data/list.txt")}

    git.export(bare, first, wanted, target)

    assert git.has_commit(target, first)
    assert git.entries(target, first) == entries
    assert "sub" in entries, "a submodule, of which nothing is there"
    assert not git.missing(target, wanted)
    assert git.missing(target, {entries["docs/page.md"].id}), "more came than was asked for"
    assert not git.has_commit(target, second)
    git.export(bare, second, {git.entries(bare, second)["start.py"].id}, target)
    assert git.has_commit(target, first)
    assert git.has_commit(target, second)
    log = source_project.git("rev-list", "--all", cwd=target).split()
    assert sorted(log) == sorted([first, second]), "no history is looked for"


def test_sources_work_from_an_exported_repository(source_project: Any, tmp_path: Path) -> None:
    layout = MirrorLayout(tmp_path / "made")
    caches = CacheLayout(tmp_path / "other"), ProjectLayout(tmp_path / "project")
    repositories = Repositories(GitCommands(), *caches, source_project.mirror)
    exported = repositories.export("tool", source_project.repository, layout)
    assert exported == layout.root / "owner" / "tool.git"
    before = sorted((exported / "objects" / "pack").iterdir())
    assert repositories.export("tool", source_project.repository, layout) == exported
    assert sorted((exported / "objects" / "pack").iterdir()) == before, "it was made again"

    sources = Sources(GitCommands(), CacheLayout(tmp_path / "cache"), caches[1], layout.root)
    made = sources.checkout("tool", source_project.repository, (), scale=Scale.PAPER)
    assert made.tree == source_project.repository.tree
    assert (made.path / "run.py").read_text() == SCRIPT
    unseal(tmp_path / "cache")


_HOSTILE = """[core]
 autocrlf = true
 eol = crlf
 attributesFile = {0}/attributes
 excludesFile = {0}/attributes
 hooksPath = {0}/hooks
 fsmonitor = {0}/hooks/fsmonitor
[fetch]
 prune = true
 fsckObjects = true
[transfer]
 hideRefs = refs/pins
[remote "origin"]
 fetch = +refs/heads/*:refs/heads/*
 mirror = true
[init]
 defaultObjectFormat = sha256
 templateDir = {0}/template
[filter "shout"]
 smudge = tr a-z A-Z
 clean = tr a-z A-Z
 required = true
[apply]
 whitespace = error-all
"""
_VARIABLES = {
    "GIT_DIR": "/nowhere",
    "GIT_WORK_TREE": "/nowhere",
    "GIT_INDEX_FILE": "/nowhere/index",
    "GIT_OBJECT_DIRECTORY": "/nowhere/objects",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere",
    "GIT_NAMESPACE": "other",
    "GIT_DEFAULT_HASH": "sha256",
    "GIT_TEMPLATE_DIR": "/nowhere",
    "GIT_CONFIG_PARAMETERS": "'core.eol=crlf'",
    "GIT_ATTR_SOURCE": "HEAD",
    "GIT_TRACE": "1",
    "GIT_REPLACE_REF_BASE": "refs/other",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PYTHON_GIT_EXECUTABLE": "/nowhere/git",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.autocrlf",
    "GIT_CONFIG_VALUE_0": "true",
}


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home whose settings change all that git does, and variables that lead it astray."""
    home = tmp_path / "home"
    for folder in ("hooks", "template/hooks", ".config/git"):
        (home / folder).mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "fsmonitor", "pre-auto-gc"):
        for folder in ("hooks", "template/hooks"):
            hook = home / folder / name
            hook.write_text(f"#!/bin/sh\ntouch {home}/ran-{name}\nexit 1\n")
            hook.chmod(0o755)
    (home / "attributes").write_text("* text eol=crlf filter=shout ident\n")
    (home / ".config/git/attributes").write_text("* text eol=crlf filter=shout\n")
    (home / ".gitconfig").write_text(_HOSTILE.format(home))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name, value in _VARIABLES.items():
        monkeypatch.setenv(name, value)
    return home


def test_no_setting_of_a_user_changes_what_is_read(
    source_project: Any, tmp_path: Path, hostile: Path
) -> None:
    patch = source_project.insert("hello", 2, "hello \n")
    repository = source_project.repository
    bare, folder = tmp_path / "bare.git", tmp_path / "files"
    folder.mkdir()
    git = GitCommands()
    git.create(bare)
    git.fetch(bare, f"file://{source_project.upstream}", repository.commit)
    wanted = git.entries(bare, repository.commit)
    missing = git.missing(bare, {wanted["run.py"].id})
    if missing:
        git.fetch_blobs(bare, f"file://{source_project.upstream}", missing)
    ((_, content),) = git.blobs(bare, [wanted["run.py"].id])
    assert content == SCRIPT.encode()
    (folder / "run.py").write_bytes(content)
    git.apply(folder, patch)
    assert b"\r" not in (folder / "run.py").read_bytes()
    assert b"hello \n" in (folder / "run.py").read_bytes()
    assert not list(hostile.glob("ran-*"))


def test_only_what_a_connection_needs_is_kept_of_a_users_settings() -> None:
    listed = (
        b"http.proxy\nhttp://p:1\0http.https://x/.extraheader\nA: b\0http.sslverify\0"
        b"core.autocrlf\ntrue\0url.https://m/.insteadof\nhttps://github.com/\0"
        b"core.sshcommand\nssh -i k\0include.path\n~/more\0alias.fetch\n!rm -rf x\0"
    )
    assert connection(listed) == [
        ("http.proxy", "http://p:1"),
        ("http.https://x/.extraheader", "A: b"),
        ("http.sslverify", "true"),
        ("url.https://m/.insteadof", "https://github.com/"),
        ("core.sshcommand", "ssh -i k"),
    ]


def test_the_state_of_a_working_tree(source_project: Any, tmp_path: Path) -> None:
    tree = source_project.upstream
    commit = source_project.git("rev-parse", "HEAD").strip()
    assert state_of(tree) == {"commit": commit, "dirty": False}
    (tree / "new.py").write_text("new\n")
    assert state_of(tree) == {"commit": commit, "dirty": True}
    unknown = {"commit": None, "dirty": None}
    inner = tree / "inner"
    inner.mkdir()
    assert state_of(inner) == unknown  # an installed package in somebody's repository
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    assert state_of(tmp_path / "broken") == unknown
