"""The one door to git: plumbing on bare repositories, and `git apply`.

Nothing is inherited that could change what git reads or writes: see `git_settings`.
A repository is never configured as a partial clone: a missing object stays missing, and is not
fetched behind our back.
"""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from harness.errors import HarnessError, MismatchError, NotReadyError
from harness.files import write_if_changed
from harness.sources import git_settings
from harness.sources.git_objects import Entry

_PARTIAL = {"promisor": "true", "partialCloneFilter": "blob:none"}
_NO_UPKEEP = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")
_LIMITS = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60")


class GitCommands:
    """`harness.sources.git_port.Git` with the git command, through GitPython.

    A fetch trusts the certificates of `ca_bundle`, else those that git is set to use.
    """

    def __init__(self, ca_bundle: Path | None = None) -> None:
        self._ca_bundle = ca_bundle

    def create(self, repository: Path, *, borrow: Path | None = None) -> None:
        """Make a bare repository unless it is there; use the objects of `borrow` by alternates."""
        repository.mkdir(parents=True, exist_ok=True)
        if not os.access(repository, os.W_OK):
            return  # read only: what is missing in it is found missing when it is asked for
        # Done again each time: it changes nothing, and completes one that a kill left half made.
        _run(["init", "--quiet", "--bare", "--template=", str(repository)], cwd=repository)
        if borrow is not None:
            write_if_changed(
                repository / "objects" / "info" / "alternates", f"{borrow.resolve() / 'objects'}\n"
            )

    def has_commit(self, repository: Path, commit: str) -> bool:
        """Whether `commit` is there and is a commit."""
        return _headers(repository, [commit])[0].split()[1:2] == ["commit"]

    def date(self, repository: Path, commit: str) -> str:
        """The day of `commit`, as its committer's clock had it."""
        return _git(repository, ["show", "-s", "--format=%cs", commit]).decode().strip()

    def fetch(self, repository: Path, url: str, commit: str) -> None:
        """Fetch `commit` and its trees without blobs; all branches whole if the server cannot."""
        options = ("--quiet", "--no-tags", "--no-write-fetch-head")
        one = ("--depth=1", "--filter=blob:none", "origin", f"{commit}:refs/pins/{commit}")
        try:
            self._fetch(repository, url, [*options, *one])
        except NotReadyError:
            # A server that refuses a commit by its id refuses blobs by theirs, too.
            all_branches = ("--no-filter", "origin", "+refs/heads/*:refs/remotes/origin/*")
            self._fetch(repository, url, [*options, *all_branches], partial=False)

    def fetch_blobs(self, repository: Path, url: str, ids: Collection[str]) -> None:
        """Fetch these blobs in one request, as git does for a partial clone."""
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none")
        more = ("-c", "fetch.negotiationAlgorithm=noop")
        self._fetch(repository, url, [*options, "--stdin", "origin"], more=more, stdin=_lines(ids))

    def export(self, repository: Path, commit: str, ids: Collection[str], target: Path) -> None:
        """Give the bare repository `target` this commit, its trees and these blobs."""
        # Without its parents: the commit is shallow there, as after `git clone --depth 1`.
        listing = _git(repository, ["ls-tree", "-r", "-t", "-d", "-z", "--full-tree", commit])
        lines = [line.split(b"\t")[0].decode().split() for line in listing.split(b"\0")[:-1]]
        trees = [id_ for _, kind, id_ in lines if kind == "tree"]
        root = _git(repository, ["rev-parse", f"{commit}^{{tree}}"]).decode().strip()
        wanted = _lines(dict.fromkeys([commit, root, *trees, *sorted(ids)]))
        self.create(target)
        with tempfile.TemporaryFile() as pack:
            _git(repository, ["pack-objects", "--quiet", "--stdout"], stdin=wanted, stdout=pack)
            _run([*_at(target), "index-pack", "--stdin"], cwd=target, stdin=cast("BinaryIO", pack))
        shallow = target / "shallow"
        known = shallow.read_text().split() if shallow.is_file() else []
        write_if_changed(shallow, "".join(f"{one}\n" for one in sorted({*known, commit})))
        _git(target, ["update-ref", f"refs/heads/pin-{commit[:12]}", commit])

    def load(self, repository: Path, stream: bytes) -> None:
        """Store the objects and refs of a `git fast-import` stream."""
        _git(repository, ["fast-import", "--quiet", "--force"], stdin=stream)

    def entries(self, repository: Path, commit: str) -> dict[str, Entry]:
        """Every path of the commit's tree, submodules included."""
        listing = _git(repository, ["ls-tree", "-r", "-z", "--full-tree", commit])
        found = {}
        for line in listing.split(b"\0")[:-1]:
            fields, _, path = line.partition(b"\t")
            mode, _, object_id = fields.decode().split(" ")
            found[_text(path)] = Entry(mode, object_id)
        return found

    def missing(self, repository: Path, ids: Collection[str]) -> frozenset[str]:
        """Which of these objects are missing in the repository."""
        headers = _headers(repository, ids)
        return frozenset(line.split()[0] for line in headers if line.endswith(" missing"))

    def blobs(self, repository: Path, ids: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Each of these blobs, once, one in memory at a time."""
        with tempfile.TemporaryFile() as output:
            _git(repository, ["cat-file", "--batch"], stdin=_lines(set(ids)), stdout=output)
            output.seek(0)
            while header := output.readline().decode().split():
                if header[1:2] != ["blob"]:
                    raise MismatchError(
                        f"{repository}: expected blob {header[0]}, found {' '.join(header[1:])}",
                        hint="fetch the repository again, or complete the mirror",
                    )
                yield header[0], output.read(int(header[2]))
                output.read(1)

    def apply(self, folder: Path, patch: Path) -> None:
        """Apply a zero-context patch in `folder`. Raises MismatchError, changing nothing."""
        # Without the ceiling, a repository around `folder` would make git skip every file silently.
        outside = {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
        command = ["apply", "--unidiff-zero", "--whitespace=nowarn", "--", str(patch.resolve())]
        _run(command, cwd=folder, env=outside)

    def _fetch(
        self,
        repository: Path,
        url: str,
        arguments: Sequence[str],
        *,
        more: Sequence[str] = (),
        stdin: bytes = b"",
        partial: bool = True,
    ) -> None:
        # Given per command and not stored, the remote is a partial clone's only while we fetch;
        # of a server that knows no filters git would ask for missing objects without end.
        remote = {"url": url, **(_PARTIAL if partial else {})}
        settings = [
            word
            for name, value in remote.items()
            for word in ("-c", f"remote.origin.{name}={value}")
        ]
        command = [*_at(repository), *_NO_UPKEEP, *_LIMITS, *settings, *more, "fetch", *arguments]
        env = git_settings.online(_users_settings(), self._ca_bundle)
        _run(command, cwd=repository, env=env, stdin=stdin, keeping="connection")


def state_of(folder: Path) -> dict[str, Any]:
    """The `commit` of a working tree and whether it is `dirty`; both None if it is none.

    A folder inside a working tree of something else is none either.
    """
    unknown = {"commit": None, "dirty": None}
    if not (folder / ".git").exists():
        return unknown
    trusted = ["-c", f"safe.directory={folder}"]
    try:
        commit = _run([*trusted, "rev-parse", "HEAD"], cwd=folder).decode().strip()
        changes = _run([*trusted, "status", "--porcelain"], cwd=folder)
    except HarnessError:  # a repository without a commit, or that git cannot read
        return unknown
    return {"commit": commit, "dirty": bool(changes.strip())}


def _headers(repository: Path, ids: Collection[str]) -> list[str]:
    return _git(repository, ["cat-file", "--batch-check"], stdin=_lines(ids)).decode().splitlines()


def _git(
    repository: Path,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    stdout: IO[bytes] | None = None,
) -> bytes:
    return _run([*_at(repository), *arguments], cwd=repository, env=env, stdin=stdin, stdout=stdout)


def _at(repository: Path) -> list[str]:
    # Given per command: a shared cache or mirror may belong to another user.
    return ["-c", f"safe.directory={repository}", f"--git-dir={repository}"]


def _users_settings() -> bytes:
    """What the user has set, as git lists it: outside of any repository."""
    return _run(git_settings.LIST_SETTINGS, cwd=Path("/"), env={}, keeping="settings")


def _run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes | BinaryIO = b"",
    stdout: IO[bytes] | None = None,
    keeping: str = "nothing",
) -> bytes:
    """What git prints. Of the inherited `GIT_*` variables it sees those of `keeping`, and `env`."""
    ours = {**git_settings.offline(), **(env or {})} if keeping == "nothing" else dict(env or {})
    with tempfile.TemporaryFile() as typed:
        given = cast("BinaryIO", typed) if isinstance(stdin, bytes) else stdin
        if isinstance(stdin, bytes):
            typed.write(stdin)
        given.seek(0)
        git, refused = _imported()
        try:
            found: object = git(str(cwd)).execute(
                [*_scrubbed(ours, keeping), *arguments],
                istream=given,
                output_stream=stdout,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=ours,
            )
        except refused as error:
            raise _translated(arguments, str(error.stderr), keeping) from error
    return found if isinstance(found, bytes) else b""


def _imported() -> tuple[Any, Any]:
    """GitPython's class, and the error that it raises. Raises NotReadyError without git."""
    if shutil.which("git") is None:  # GitPython cannot even be imported then
        raise NotReadyError("git is not on PATH", hint="install git 2.32 or newer")
    # It may name a git that is not there, for which GitPython's import fails; ours is on PATH.
    os.environ.pop("GIT_PYTHON_GIT_EXECUTABLE", None)
    from git.cmd import Git
    from git.exc import GitCommandError

    return Git, GitCommandError


def _scrubbed(ours: Mapping[str, str], keeping: str) -> list[str]:
    """`git` without what it would inherit: GitPython can add variables but not take any away."""
    names = git_settings.unset(os.environ, ours, keeping=keeping)
    unset = [word for name in names for word in ("-u", name)]
    return ["env", *unset, "git"] if unset else ["git"]


def _translated(arguments: Sequence[str], stderr: str, keeping: str) -> HarnessError:
    said = "; ".join(stderr.partition("stderr:")[2].strip(" '\n").splitlines()[-3:]) or "nothing"
    verb = next((word for word in arguments if word in _VERBS), arguments[0])
    if keeping == "settings":
        return NotReadyError(f"git's settings cannot be read: {said}", hint="see `git config -l`")
    if keeping == "connection":
        return NotReadyError(
            f"git {verb} failed: {said}",
            hint="check the network, or give bare repositories with --mirror DIR",
        )
    return MismatchError(
        f"git {verb} failed: {said}", hint="nothing was changed; see `harness verify`"
    )


_VERBS = frozenset({"init", "fast-import", "ls-tree", "cat-file", "apply", "fetch", "index-pack"})


def _lines(items: Collection[str]) -> bytes:
    return b"".join(item.encode("utf-8", "surrogateescape") + b"\n" for item in items)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
