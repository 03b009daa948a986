"""Patches that carry no upstream line: parse them strictly, follow the blobs they name.

A patch is a unified diff with zero context: only `+` lines, empty hunk headings
(`@@ -a,0 +b,n @@`), full ids (`index <old>..<new> <mode>`). It may begin with lines that explain
it. Nothing here reads files or runs git.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from harness.errors import SourceMismatch
from harness.sources.git_objects import Entry, Mode

_ABSENT = "0" * 40
_GIT = re.compile(r"diff --git a/(?P<path>[^\s\"\\]+) b/(?P=path)")
_NEW = re.compile(r"new file mode (?P<mode>100644|100755)")
_INDEX = re.compile(r"index (?P<old>[0-9a-f]{40})\.\.(?P<new>[0-9a-f]{40})(?: (?P<mode>\d{6}))?")
_HUNK = re.compile(r"@@ -(?P<after>\d+),0 \+(?P<at>\d+)(?:,(?P<count>\d+))? @@")
_HINT = "write it with zero context, full ids and insertions only, see docs/architecture.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePatch:
    """Lines inserted into one file: its blob before (None: a new file) and after."""

    path: str
    mode: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A parsed patch; `where` names it in messages."""

    where: str
    files: tuple[FilePatch, ...]


def parse_patch(text: str, where: str) -> Patch:
    """Read a patch strictly. Raises SourceMismatch with line, expected and found."""
    lines = text.split("\n")
    if lines.pop():
        raise SourceMismatch(where, expected="a newline at its end", found="none", hint=_HINT)
    return _Reader(where, lines).patch()


def chain(
    name: str, patches: Sequence[Patch], before: Mapping[str, Entry], present: frozenset[str]
) -> dict[str, Entry]:
    """What every patched file becomes, each patch starting from what the one before left.

    `before` is the whole upstream tree, `present` the paths that are checked out.
    Raises SourceMismatch naming patch, file, expected and found id.
    """
    after: dict[str, Entry] = {}
    for patch in patches:
        for file in patch.files:
            now = after.get(file.path) or before.get(file.path)
            _expect_before(f"{patch.where}: {name}/{file.path}", file, now)
            if now is not None and file.path not in present and file.path not in after:
                _refuse_absent(patch.where, name, file)
            after[file.path] = Entry(file.mode, file.new)
    return after


def _expect_before(where: str, file: FilePatch, now: Entry | None) -> None:
    found = f"{now.mode} blob {now.id}" if now else "no such file"
    expected = f"{file.mode} blob {file.old}" if file.old else "no such file"
    if found != expected:
        raise SourceMismatch(
            where,
            expected=expected,
            found=found,
            hint="refresh the patch against the pinned commit and the patches before it",
        )


def _refuse_absent(where: str, name: str, file: FilePatch) -> NoReturn:
    raise SourceMismatch(
        f"{where}: {name}/{file.path}",
        expected="a file of the sparse checkout",
        found="a file outside it",
        hint=f"add /{file.path} to `sparse` of {name} in manifests/repos.yaml",
    )


class _Reader:
    def __init__(self, where: str, lines: Sequence[str]) -> None:
        self.where = where
        self.lines = lines
        self.at = 0

    def patch(self) -> Patch:
        while self.at < len(self.lines) and not self._now().startswith(("diff ", "--- ", "@@")):
            self.at += 1
        files: list[FilePatch] = []
        while self.at < len(self.lines):
            files.append(self._file(frozenset(file.path for file in files)))
        if not files:
            self._fail("at least one file (`diff --git a/PATH b/PATH`)")
        return Patch(where=self.where, files=tuple(files))

    def _file(self, seen: frozenset[str]) -> FilePatch:
        path = self._match(
            _GIT, "`diff --git a/PATH b/PATH` or the end, no removed or context line"
        )["path"]
        if not _is_inner(path) or path in seen:
            self._fail(f"a path inside the checkout, once: {path!r} is not", back=1)
        new_file = None
        if self._now().startswith("new "):
            new_file = self._match(_NEW, "`new file mode 100644` or `100755`")["mode"]
        index = self._match(_INDEX, "`index <40 hex>..<40 hex> <mode>`")
        mode = index["mode"] or new_file
        if mode not in (Mode.FILE, Mode.EXECUTABLE) or (index["mode"] is None) != (
            new_file is not None
        ):
            self._fail("the mode of a plain file, once", back=1)
        if (index["old"] == _ABSENT) != (new_file is not None) or index["new"] in (
            _ABSENT,
            index["old"],
        ):
            self._fail("ids of a file that is made or changed, not removed", back=1)
        self._exactly("--- /dev/null" if new_file else f"--- a/{path}")
        self._exactly(f"+++ b/{path}")
        self._hunks(new_file=new_file is not None)
        old = None if new_file else index["old"]
        return FilePatch(path=path, mode=str(mode), old=old, new=index["new"])

    def _hunks(self, *, new_file: bool) -> None:
        last, inserted = -1, 0
        while last < 0 or self._now().startswith("@@"):
            hunk = self._match(_HUNK, "`@@ -a,0 +b,n @@` with nothing behind it")
            after, at, count = int(hunk["after"]), int(hunk["at"]), int(hunk["count"] or 1)
            if after <= last or at != after + inserted + 1 or count < 1 or (new_file and last >= 0):
                self._fail(f"hunks in order, this one at +{after + inserted + 1}", back=1)
            for _ in range(count):
                if not self._now().startswith("+"):
                    self._fail(f"an inserted line (`+`), {count} in this hunk")
                self.at += 1
            last, inserted = after, inserted + count

    def _now(self) -> str:
        return self.lines[self.at] if self.at < len(self.lines) else ""

    def _match(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        match = pattern.fullmatch(self._now())
        if match is None:
            self._fail(expected)
        self.at += 1
        return match

    def _exactly(self, line: str) -> None:
        if self._now() != line:
            self._fail(f"`{line}`")
        self.at += 1

    def _fail(self, expected: str, *, back: int = 0) -> NoReturn:
        self.at -= back
        found = f"`{self._now()}`" if self.at < len(self.lines) else "the end of the file"
        raise SourceMismatch(
            f"{self.where}:{self.at + 1}", expected=expected, found=found, hint=_HINT
        )


def _is_inner(path: str) -> bool:
    return all(name not in {"", ".", ".."} and name.lower() != ".git" for name in path.split("/"))
