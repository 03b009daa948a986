"""Pinned, patched and verified checkouts of upstream repositories, shared by all runs.

`identify` computes what a checkout will be (for keys), `checkout` makes or finds it, `verify`
checks pins, patches and what lies on disk. Whatever differs from its pin is an error, and nothing
is applied.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from harness.errors import HarnessError, ManifestError, NotReadyError, SourceMismatch
from harness.files import locked
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.catalogue import Repository
from harness.manifest.model import Scale
from harness.sources import worktree
from harness.sources.checkouts import CheckoutSpec, Identity, build, check
from harness.sources.git_port import Git
from harness.sources.patches import Patch, chain, parse_patch
from harness.sources.repositories import Repositories
from harness.sources.sparse import selected
from harness.sources.trees_file import Recorded, read_recorded

_RECORD = "if the change is meant: python tests/checks/record_trees.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A verified, read-only checkout in the cache."""

    name: str
    path: Path
    identity: Identity
    tree: str  # of the whole patched tree, recomputed from the files on disk
    missing: tuple[str, ...]  # paper-only files missing in the repository
    touched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # files by patch

    def copy_to(self, target: Path) -> None:
        """Make a fresh writable copy in `target`, which is missing or empty."""
        worktree.copy_writable(self.path, target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing verified."""

    ok: bool
    repository: str
    what: str
    expected: str
    found: str


class Sources:
    """The sources of one project, in one cache."""

    def __init__(
        self, git: Git, cache: CacheLayout, project: ProjectLayout, mirror: Path | None
    ) -> None:
        self._git = git
        self._cache = cache
        self._project = project
        self._repositories = Repositories(git, cache, project, mirror)
        self._known: dict[tuple[str, tuple[str, ...], Scale], Checkout] = {}
        self._lock = Lock()

    def identify(self, name: str, repository: Repository, patches: Sequence[str]) -> Identity:
        """Say what the checkout will be. Raises SourceMismatch, ManifestError."""
        if len(set(patches)) != len(patches):
            raise ManifestError(
                f"{name}: expected each patch once, found {', '.join(patches)}",
                hint="list every patch once, in order of application",
            )
        hashes = tuple(
            (patch, hashlib.sha256(self._bytes(name, patch)).hexdigest()) for patch in patches
        )
        return Identity(commit=repository.commit, sparse=repository.sparse, patches=hashes)

    def checkout(
        self, name: str, repository: Repository, patches: Sequence[str], *, scale: Scale
    ) -> Checkout:
        """Make or find the checkout; verified once for each `Sources`, then remembered.

        Raises SourceMismatch (nothing was applied) or NotReadyError (the repository, or a file that
        this scale needs, cannot be had).
        """
        key = (name, tuple(patches), scale)
        with self._lock:
            if key not in self._known:
                made = self._make(name, repository, patches)
                if scale.at_full_cost and made.missing:
                    raise self._lacking(repository, made)
                self._known[key] = made
            return self._known[key]

    def place(self, name: str, repository: Repository, patches: Sequence[str]) -> Path:
        """Where the checkout lies or would lie. Raises as `checkout` does."""
        return self._cache.checkout(name, self._wanted(name, repository, patches).digest)

    def record(self, name: str, repository: Repository, lists: Collection[Sequence[str]]) -> Path:
        """Apply these lists of patches; write down what they and their trees hash to."""
        hashes: dict[str, str] = {}
        trees = {}
        for patches in filter(None, lists):
            wanted = self._wanted(name, repository, patches)
            trees[repository.commit, *patches] = self._have(wanted, wanted.tree)
            hashes.update(wanted.identity.patches)
        target = self._project.patched_trees(name)
        target.write_text(Recorded(hashes, trees).text())
        return target

    def pin(self, name: str, url: str, commit: str) -> tuple[str, str]:
        """Look up the tree and the day of a commit. Raises NotReadyError, SourceMismatch."""
        return self._repositories.pin(name, url, commit)

    def verify(
        self,
        repositories: Mapping[str, Repository],
        patched: Mapping[str, Collection[Sequence[str]]],
    ) -> list[Finding]:
        """Check every pin, and every checkout: without patches and with each list of patches.

        Checkouts in the cache are hashed again, others are made. Never raises for what is wrong.
        """
        findings = []
        for name, repository in repositories.items():
            pin = self._verify_pin(name, repository)
            findings += pin
            if all(finding.ok for finding in pin):
                lists = sorted({(), *map(tuple, patched.get(name, ()))})
                findings += [self._verify_checkout(name, repository, patches) for patches in lists]
        return findings

    def _verify_pin(self, name: str, repository: Repository) -> list[Finding]:
        try:
            pinned = self._repositories.open(name, repository)
        except HarnessError as error:
            return [_failure(name, "pin", error)]
        found = [
            _finding(name, "commit", repository.commit),
            _finding(name, "tree", repository.tree),
        ]
        for path in sorted(pinned.missing):
            ok = path in repository.paper_only
            text = "missing (only paper scale needs it)" if ok else "missing"
            found.append(_finding(name, path, f"blob {pinned.wanted[path].id}", text, ok=ok))
        taking = (pattern for pattern in repository.sparse if not pattern.startswith("!"))
        idle = [pattern for pattern in taking if not selected([pattern], pinned.upstream)]
        return found + [_finding(name, f"sparse {p}", "a file", "none", ok=False) for p in idle]

    def _verify_checkout(
        self, name: str, repository: Repository, patches: Sequence[str]
    ) -> Finding:
        what = f"checkout with {', '.join(patches)}" if patches else "checkout"
        try:
            made = self._make(name, repository, patches)
        except HarnessError as error:
            return _failure(name, what, error)
        return _finding(name, what, f"tree {made.tree}")

    def _make(self, name: str, repository: Repository, patches: Sequence[str]) -> Checkout:
        wanted = self._wanted(name, repository, patches)
        tree = self._have(wanted, self._recorded(name, repository, wanted.identity))
        return Checkout(
            name=name,
            path=self._cache.checkout(name, wanted.digest),
            identity=wanted.identity,
            tree=tree,
            missing=tuple(sorted(wanted.pinned.missing)),
            touched={
                patch: tuple(file.path for file in self._parsed(name, patch).files)
                for patch in patches
            },
        )

    def _wanted(self, name: str, repository: Repository, patches: Sequence[str]) -> CheckoutSpec:
        identity = self.identify(name, repository, patches)
        parsed = [self._parsed(name, patch) for patch in patches]
        pinned = self._repositories.open(name, repository)
        for path in sorted(pinned.missing - set(repository.paper_only)):
            raise SourceMismatch(
                f"{name}/{path} from {self._repositories.source(repository)}",
                expected=f"blob {pinned.wanted[path].id}",
                found="no such object",
                hint="complete the mirror, or list the file under `paper_only`",
            )
        before = {
            path: entry for path, entry in pinned.wanted.items() if path not in pinned.missing
        }
        changed = chain(name, parsed, pinned.upstream, frozenset(before))
        after = {**before, **changed}
        return CheckoutSpec(name=name, identity=identity, pinned=pinned, before=before, after=after)

    def _have(self, wanted: CheckoutSpec, tree: str) -> str:
        """Build unless it is there; check every file on disk either way, and return the tree id."""
        target = self._cache.checkout(wanted.name, wanted.digest)
        patches = {
            patch: self._project.patch(wanted.name, patch) for patch in wanted.identity.names
        }
        with locked(self._cache.lock(target.name)):
            if not target.is_dir():
                build(self._git, wanted, tree, patches, target)
        return check(wanted, tree, target)

    def _recorded(self, name: str, repository: Repository, identity: Identity) -> str:
        """The tree id that the checkout must have. Raises SourceMismatch if none is recorded."""
        if not identity.patches:
            return repository.tree
        path = self._project.patched_trees(name)
        where = path.relative_to(self._project.root).as_posix()
        recorded = read_recorded(path.read_text(), where) if path.is_file() else Recorded()
        for patch, sha256 in identity.patches:
            if sha256 != recorded.patches.get(patch):
                expected = f"sha256 {recorded.patches.get(patch, 'recorded')} ({where})"
                place = _where(name, patch)
                raise SourceMismatch(
                    place, expected=expected, found=f"sha256 {sha256}", hint=_RECORD
                )
        tree = recorded.trees.get((repository.commit, *identity.names))
        if tree is None:
            asked = f"a tree of {repository.commit} with {', '.join(identity.names)}"
            raise SourceMismatch(where, expected=asked, found="none", hint=_RECORD)
        return tree

    def _parsed(self, name: str, patch: str) -> Patch:
        text = self._bytes(name, patch).decode("utf-8", "surrogateescape")
        return parse_patch(text, _where(name, patch))

    def _bytes(self, name: str, patch: str) -> bytes:
        path = self._project.patch(name, patch)
        inside = path.resolve().is_relative_to((self._project.root / "patches").resolve())
        if not inside or not path.is_file():
            raise SourceMismatch(
                _where(name, patch),
                expected="a patch of this project",
                found="no such file" if inside else "a path that leaves `patches`",
                hint="correct the patch's name in the method's manifest",
            )
        return path.read_bytes()

    def _lacking(self, repository: Repository, made: Checkout) -> NotReadyError:
        source = self._repositories.source(repository)
        return NotReadyError(
            f"{made.name} from {source} misses what paper scale needs: {', '.join(made.missing)}",
            hint="leave --mirror out, complete the mirror, or use --scale smoke",
        )


def _where(name: str, patch: str) -> str:
    return f"patches/{name}/{patch}.patch"


def _finding(name: str, what: str, expected: str, found: str = "", *, ok: bool = True) -> Finding:
    return Finding(ok=ok, repository=name, what=what, expected=expected, found=found or expected)


def _failure(name: str, what: str, error: HarnessError) -> Finding:
    if isinstance(error, SourceMismatch):
        return _finding(name, f"{what}: {error.where}", error.expected, error.found, ok=False)
    return _finding(name, what, "a repository and patches as pinned", str(error), ok=False)
