"""What the sources ask of git."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

from harness.sources.git_objects import Entry


class Git(Protocol):
    """Plumbing on bare repositories. Only `fetch` and `fetch_blobs` ever use the network."""

    def create(self, repository: Path, *, borrow: Path | None = None) -> None:
        """Make a bare repository unless it is there; objects of `borrow` serve as alternates."""
        ...

    def has_commit(self, repository: Path, commit: str) -> bool:
        """Whether `commit` is there and is a commit."""
        ...

    def date(self, repository: Path, commit: str) -> str:
        """The day of `commit`, as its committer's clock had it: 2022-10-25."""
        ...

    def fetch(self, repository: Path, url: str, commit: str) -> None:
        """Fetch `commit`, without blobs where the server can do that. Raises NotReadyError."""
        ...

    def fetch_blobs(self, repository: Path, url: str, ids: Collection[str]) -> None:
        """Fetch these blobs in one request. Raises NotReadyError."""
        ...

    def export(self, repository: Path, commit: str, ids: Collection[str], target: Path) -> None:
        """Give the bare repository `target` this commit, its trees and these blobs."""
        ...

    def load(self, repository: Path, stream: bytes) -> None:
        """Store the objects and refs of a `git fast-import` stream."""
        ...

    def entries(self, repository: Path, commit: str) -> dict[str, Entry]:
        """Every path of the commit's tree, submodules included."""
        ...

    def missing(self, repository: Path, ids: Collection[str]) -> frozenset[str]:
        """Which of these objects are missing in the repository."""
        ...

    def blobs(self, repository: Path, ids: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Each of these blobs, once."""
        ...

    def apply(self, folder: Path, patch: Path) -> None:
        """Apply a zero-context patch in `folder`. Raises MismatchError, changing nothing."""
        ...
