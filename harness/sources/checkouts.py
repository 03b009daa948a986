"""One patched checkout: what it will hold, making it, and checking every id on disk."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import SourceMismatch
from harness.plan.keys import digest
from harness.sources import worktree
from harness.sources.git_objects import Entry, tree_id
from harness.sources.git_port import Git
from harness.sources.repositories import Pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What decides a checkout's content, known without git: goes into keys."""

    commit: str
    sparse: tuple[str, ...]
    patches: tuple[tuple[str, str], ...]  # name and sha256, in order of application

    @property
    def names(self) -> tuple[str, ...]:
        """The patches by name."""
        return tuple(name for name, _ in self.patches)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSpec:
    """A checkout to be made or checked: its files before and after the patches."""

    name: str
    identity: Identity
    pinned: Pinned
    before: Mapping[str, Entry]
    after: Mapping[str, Entry]

    @property
    def digest(self) -> str:
        """The content address of the checkout; one without its large files is another."""
        return digest([self.identity, sorted(self.pinned.missing)])

    @property
    def tree(self) -> str:
        """The tree id that the patches' own ids give."""
        return tree_id({**self.pinned.upstream, **self.after})


def build(
    git: Git, wanted: CheckoutSpec, tree: str, patches: Mapping[str, Path], target: Path
) -> None:
    """Make the checkout beside `target`, check it, then rename. The caller holds the target's lock.

    Raises SourceMismatch if a file or the whole `tree` comes out otherwise; then nothing is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f".{target.name}.*"):
        worktree.remove(stale)  # left by a kill: we hold the lock, so nobody is at it
    staged = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        staged.chmod(0o755)
        blobs = git.blobs(wanted.pinned.bare, {entry.id for entry in wanted.before.values()})
        worktree.write_files(staged, wanted.name, wanted.before, blobs)
        for name in wanted.identity.names:
            git.apply(staged, patches[name])
        check(wanted, tree, staged)
        worktree.seal(staged)
        staged.rename(target)
    finally:
        worktree.remove(staged)


def check(wanted: CheckoutSpec, tree: str, folder: Path) -> str:
    """Recompute every id from the files in `folder`; return the whole tree's.

    Raises SourceMismatch naming the first file that differs, or the tree.
    """
    disk = worktree.read_entries(folder)
    for path in sorted(disk.keys() | wanted.after.keys()):
        expected, found = _spell(wanted.after.get(path)), _spell(disk.get(path))
        if found != expected:
            raise SourceMismatch(
                f"{wanted.name}/{path}",
                expected=expected,
                found=found,
                hint=f"correct the patch; if a cached file was changed: {_remove(folder)}",
            )
    found_tree = tree_id({**wanted.pinned.upstream, **disk})
    if found_tree != tree:
        raise SourceMismatch(
            f"{wanted.name} with {', '.join(wanted.identity.names) or 'no patch'}",
            expected=f"tree {tree}",
            found=f"tree {found_tree}",
            hint="if the change is meant: python tests/checks/record_trees.py",
        )
    return found_tree


def _remove(folder: Path) -> str:
    return f"chmod -R u+w {folder} && rm -r {folder}"


def _spell(entry: Entry | None) -> str:
    return f"{entry.mode} blob {entry.id}" if entry else "no such file"
