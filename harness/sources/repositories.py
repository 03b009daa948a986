"""Bare repositories in the cache: borrowed from a mirror, cloned, or made of files of ours."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.environments.mirror import MirrorLayout
from harness.errors import NotReadyError, SourceMismatch
from harness.files import locked
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.catalogue import Repository
from harness.sources.embedded import fast_import_stream, read_embedded
from harness.sources.git_objects import Entry, Mode, tree_id
from harness.sources.git_port import Git
from harness.sources.sparse import selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A pinned commit at hand: its whole tree, and the paths that sparse patterns take in."""

    bare: Path
    upstream: Mapping[str, Entry]
    wanted: Mapping[str, Entry]
    missing: frozenset[str]  # wanted paths whose blobs are not to be had


class Repositories:
    """Opens pinned repositories; everything is fetched once, under a lock."""

    def __init__(
        self, git: Git, cache: CacheLayout, project: ProjectLayout, mirror: Path | None
    ) -> None:
        self._git = git
        self._cache = cache
        self._project = project
        self._mirror = mirror

    def open(self, name: str, repository: Repository) -> Pinned:
        """Have the pinned commit, check its tree, and have the blobs of its sparse files.

        Raises NotReadyError if the repository cannot be cloned, SourceMismatch if the commit
        is not in it or has another tree.
        """
        with locked(self._cache.lock(f"repository-{name}")):
            bare = self._have(name, repository)
            upstream = self._git.entries(bare, repository.commit)
            _expect(
                f"{name} commit {repository.commit}",
                f"tree {repository.tree}",
                f"tree {tree_id(upstream)}",
            )
            paths = selected(repository.sparse, upstream)
            wanted = {
                path: upstream[path] for path in paths if upstream[path].mode != Mode.SUBMODULE
            }
            missing = self._have_blobs(bare, repository, {entry.id for entry in wanted.values()})
        absent = frozenset(path for path, entry in wanted.items() if entry.id in missing)
        return Pinned(bare=bare, upstream=upstream, wanted=wanted, missing=absent)

    def export(self, name: str, repository: Repository, mirror: MirrorLayout) -> Path | None:
        """Give a mirror the pinned commit and the blobs of its sparse files; None for one of ours.

        What it has already is left alone. Raises as `open` does.
        """
        if repository.embedded is not None:
            return None
        pinned = self.open(name, repository)
        here = {e.id for path, e in pinned.wanted.items() if path not in pinned.missing}
        target = mirror.repository(repository.url)
        self._git.create(target)
        if not self._git.has_commit(target, repository.commit) or self._git.missing(target, here):
            self._git.export(pinned.bare, repository.commit, here, target)
        return target

    def pin(self, name: str, url: str, commit: str) -> tuple[str, str]:
        """The tree and the day of a commit that no manifest names yet.

        Raises NotReadyError if the repository cannot be cloned, SourceMismatch if it has no
        such commit.
        """
        with locked(self._cache.lock(f"repository-{name}")):
            bare = self._have_commit(name, url, commit)
            return tree_id(self._git.entries(bare, commit)), self._git.date(bare, commit)

    def source(self, repository: Repository) -> str:
        """Where the objects come from: a folder of ours, a repository of the mirror, or the URL."""
        if repository.embedded is not None:
            return str(self._project.root / repository.embedded)
        return str(self._in_mirror(repository.url) or repository.url)

    def _have(self, name: str, repository: Repository) -> Path:
        if repository.embedded is None:
            return self._have_commit(name, repository.url, repository.commit)
        return self._have_embedded(name, repository, self._project.root / repository.embedded)

    def _have_commit(self, name: str, url: str, commit: str) -> Path:
        # One for each source: an object missing in a mirror must not be found in an older clone.
        mirrored = self._in_mirror(url)
        source = str(mirrored or url)
        bare = self._bare(name, source)
        if mirrored is not None:
            self._git.create(bare, borrow=_existing(mirrored, name))
        else:
            self._git.create(bare)
            if not self._git.has_commit(bare, commit):
                self._git.fetch(bare, url, commit)
        if not self._git.has_commit(bare, commit):
            raise SourceMismatch(
                f"{name} from {source}",
                expected=f"commit {commit}",
                found="no such commit",
                hint="check the pin in the manifest; a mirror may be older than the pin",
            )
        return bare

    def _bare(self, name: str, distinct: str) -> Path:
        return self._cache.repository(f"{name}-{hashlib.sha256(distinct.encode()).hexdigest()[:8]}")

    def _have_embedded(self, name: str, repository: Repository, folder: Path) -> Path:
        bare = self._bare(name, repository.commit)
        found = read_embedded(folder)
        expected, now = f"commit {repository.commit}", f"commit {found.commit}"
        _expect(f"{name} from {folder}", expected, now)
        self._git.create(bare)
        if not self._git.has_commit(bare, found.commit):
            self._git.load(bare, fast_import_stream(found))
        return bare

    def _have_blobs(self, bare: Path, repository: Repository, ids: set[str]) -> frozenset[str]:
        missing = self._git.missing(bare, ids)
        if missing and self._mirror is None and repository.embedded is None:
            self._git.fetch_blobs(bare, repository.url, missing)
            missing = self._git.missing(bare, ids)
        return missing

    def _in_mirror(self, url: str) -> Path | None:
        if self._mirror is None:
            return None
        return MirrorLayout(self._mirror).repository(url)


def _existing(path: Path, name: str) -> Path:
    if not (path / "objects").is_dir():
        raise NotReadyError(
            f"{name}: expected a bare repository at {path}, found none",
            hint=f"make it with `git clone --mirror`, or leave --mirror out to clone {name}",
        )
    return path


def _expect(where: str, expected: str, found: str) -> None:
    if found != expected:
        raise SourceMismatch(
            where, expected=expected, found=found, hint="correct the pin, or restore what it pins"
        )
