"""Real git for the tests of sources: an upstream repository, a mirror of it, a project, a cache."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.catalogue import Repository
from harness.sources.git import GitCommands
from harness.sources.sources import Sources
from harness.sources.worktree import unseal

SCRIPT = "".join(f"step {number} of the script\n" for number in range(1, 9))


@dataclass(frozen=True)
class SourceProject:
    """A project with one upstream repository, `owner/tool`, pinned at `repository.commit`."""

    root: Path
    repository: Repository

    @property
    def upstream(self) -> Path:
        """The upstream's own working tree."""
        return self.root / "remote" / "owner" / "tool"

    @property
    def mirror(self) -> Path:
        """The folder of bare repositories."""
        return self.root / "mirror"

    @property
    def bare(self) -> Path:
        """The upstream's mirror."""
        return self.mirror / "owner" / "tool.git"

    @property
    def cache(self) -> Path:
        """The shared cache."""
        return self.root / "cache"

    @property
    def patches(self) -> Path:
        """The project's patches of the tool."""
        return self.root / "project" / "patches" / "tool"

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git in the upstream's working tree."""
        command = ["git", "-c", "safe.directory=*", *arguments]
        done = subprocess.run(
            command,
            cwd=cwd or self.upstream,
            env=_environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def commit(self) -> "SourceProject":
        """Commit the upstream's working tree, pin it, mirror it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "upstream")
        shutil.rmtree(self.bare, ignore_errors=True)
        self.git("clone", "--quiet", "--mirror", str(self.upstream), str(self.bare))
        self.git("config", "uploadpack.allowFilter", "true", cwd=self.upstream)
        return self.pin(commit=self.git("rev-parse", "HEAD").strip(), tree=self.tree("HEAD"))

    def tree(self, commit: str) -> str:
        """The tree id of an upstream commit."""
        return self.git("rev-parse", f"{commit}^{{tree}}").strip()

    def pin(self, **fields: Any) -> "SourceProject":
        """The same project with other fields in its manifest."""
        return replace(self, repository=replace(self.repository, **fields))

    def insert(self, name: str, after: int, text: str, *, on: str = "run.py") -> Path:
        """Write the patch `name`: `text` after line `after` of what `on` is in the upstream now.

        The upstream's working tree goes on from there, so that a second patch follows the first.
        """
        path = self.upstream / on
        old = self.git("hash-object", "-w", on).strip()
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([*lines[:after], text, *lines[after:]]))
        new = self.git("hash-object", "-w", on).strip()
        diff = self.git("diff", "-U0", "--full-index", old, new)
        body = re.sub(r"(?m)^(@@ [^@]* @@).*$", r"\1", diff[diff.index("@@") :])
        head = f"diff --git a/{on} b/{on}\nindex {old}..{new} 100644\n--- a/{on}\n+++ b/{on}\n"
        return self.write_patch(name, f"Why {name} is there.\n\n{head}{body}")

    def write_patch(self, name: str, text: str) -> Path:
        """Write the patch `name`."""
        self.patches.mkdir(parents=True, exist_ok=True)
        path = self.patches / f"{name}.patch"
        path.write_text(text)
        return path

    def sources(self, *, mirror: bool = True) -> Sources:
        """Fresh sources, as another process would have them."""
        layouts = CacheLayout(self.cache), ProjectLayout(self.root / "project")
        return Sources(GitCommands(), *layouts, self.mirror if mirror else None)

    def record(self, *lists: tuple[str, ...]) -> Path:
        """Record the patched trees of these lists of patches."""
        return self.sources().record("tool", self.repository, lists)


@pytest.fixture
def source_project(tmp_path: Path, require: Callable[[bool, str], None]) -> Iterator[SourceProject]:
    """A pinned upstream with a script, an executable, a link, a picture and a folder of data."""
    require(shutil.which("git") is not None, "git is not installed")
    url = f"file://{tmp_path}/remote/owner/tool"
    repository = Repository(
        url=url,
        commit="0" * 40,
        tree="0" * 40,
        date="2024-01-01",
        licence=None,
        sparse=("/*.py", "/data/", "!/data/*.jpg"),
        stages={"demo": "1"},
    )
    project = SourceProject(tmp_path, repository)
    for folder in (
        project.upstream / "data" / "deep",
        project.upstream / "docs",
        tmp_path / "project",
    ):
        folder.mkdir(parents=True)
    project.git("init", "--quiet")
    _write_upstream(project.upstream)
    yield project.commit()
    if project.cache.is_dir():
        unseal(project.cache)


def _write_upstream(folder: Path) -> None:
    (folder / "run.py").write_text(SCRIPT)
    (folder / "start.py").write_text("start\n")
    (folder / "start.py").chmod(0o755)
    (folder / "data" / "list.txt").write_text("2007_000032\n")
    (folder / "data" / "deep" / "übung.bin").write_bytes(bytes(range(256)))
    (folder / "data" / "picture.jpg").write_bytes(b"picture")
    (folder / "data" / "again").symlink_to("deep/übung.bin")
    (folder / "docs" / "page.md").write_text("not wanted\n")


def _environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for role in ("AUTHOR", "COMMITTER"):
        plain |= {f"GIT_{role}_NAME": "Up Stream", f"GIT_{role}_EMAIL": "up@example.invalid"}
    return {**plain, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
