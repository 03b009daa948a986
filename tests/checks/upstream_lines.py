"""No upstream line stands in this repository: compare ours with the pinned trees, line by line.

    HARNESS_MIRROR=DIR python tests/checks/upstream_lines.py

Lines of 25 non-blank characters or more count, whatever their white space and leading comment or
patch marks. `upstream_lines_allowed.txt` beside this file lists what any program may contain, each
group under a comment that gives the reason; `file PATH` there leaves out a whole file of ours. An
exception that nothing needs any more is an error. Without HARNESS_MIRROR nothing can be compared,
which is said and is no error.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import HarnessError
from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue
from harness.sources.git import GitCommands
from harness.sources.git_objects import Mode

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = Path(__file__).with_name("upstream_lines_allowed.txt")
LEAST = 25
HFPL = ("arvijj/hfpl", "1038a68f160c96ab746a7ef117b7ccad138b1397")


@dataclass
class Allowed:
    """Exceptions, and which of them were needed."""

    lines: dict[str, str] = field(default_factory=dict)  # folded -> as listed
    files: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)

    def covers(self, path: str, line: str) -> bool:
        """Whether this line of ours is excepted; remembers that it was needed."""
        mark = path if path in self.files else line if line in self.lines else None
        self.used |= {mark} if mark else set()
        return mark is not None

    def unused(self) -> list[str]:
        """Exceptions that nothing needs."""
        lines = [text for line, text in self.lines.items() if line not in self.used]
        return sorted([*lines, *(f"file {path}" for path in self.files - self.used)])


def folded(line: str) -> str:
    """A line without white space and without leading comment, quotation and patch marks."""
    return "".join(line.split()).lstrip("#+>/")


def text_lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Number and folded text of every line of a text file that is long enough to count."""
    if b"\0" in data:
        return
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if len(short := folded(line)) >= LEAST:
            yield number, short


def upstream(git: GitCommands, mirror: Path, name: str, commit: str) -> Iterator[tuple[str, str]]:
    """Every counting line of a commit of a mirrored repository, and where it stands."""
    bare = (mirror / f"{name}.git").resolve()
    files = {e.id: p for p, e in git.entries(bare, commit).items() if e.mode != Mode.SUBMODULE}
    for object_id, data in git.blobs(bare, files.keys() - git.missing(bare, files)):
        for number, line in text_lines(data):
            yield line, f"{name}/{files[object_id]}:{number}"


def read_allowed(text: str) -> Allowed:
    """Read the exceptions. Raises ValueError for one without a reason."""
    reason, lines, files = "", {}, set()
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line.strip():
            reason = line.strip("# ")
            continue
        if not reason:
            raise ValueError(f"{ALLOWED.name}:{number}: expected a comment with the reason above")
        if line.startswith("file "):
            files.add(line.removeprefix("file "))
        else:
            lines[folded(line)] = line
    return Allowed(lines, frozenset(files))


def copies(
    ours: Iterable[tuple[str, bytes]], theirs: Mapping[str, str], allowed: Allowed
) -> Iterator[str]:
    """Each line of ours that stands upstream and is not excepted."""
    for path, data in ours:
        for number, line in text_lines(data):
            if line in theirs and not allowed.covers(path, line):
                yield f"{path}:{number}: also at {theirs[line]}: {line}"


def our_files() -> Iterator[tuple[str, bytes]]:
    """Every file of this repository that git tracks or would."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    for name in sorted(set(listed.decode().split("\0")) - {""}):
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and path != ALLOWED:
            yield name, path.read_bytes()


def main() -> int:
    """Compare; 1 if a line was copied or an exception is not needed."""
    mirror = os.environ.get("HARNESS_MIRROR")
    if not mirror:
        sys.stdout.write("upstream lines: not compared, HARNESS_MIRROR is not set\n")
        return 0
    pins = dict([HFPL])
    for repository in load_catalogue(ProjectLayout(ROOT)).repositories.values():
        if repository.embedded is None:
            pins["/".join(repository.url.split("/")[-2:])] = repository.commit
    git = GitCommands()
    theirs: dict[str, str] = {}
    for name, commit in pins.items():
        theirs.update(upstream(git, Path(mirror), name, commit))
    allowed = read_allowed(ALLOWED.read_text())
    found = list(copies(our_files(), theirs, allowed))
    found += [f"{ALLOWED.name}: no line of ours needs `{text}`" for text in allowed.unused()]
    sys.stdout.writelines(f"{line}\n" for line in found)
    compared = f"{len(theirs)} lines of {len(pins)} upstream trees"
    sys.stdout.write(
        f"upstream lines: {len(found)} to remove or except; compared with {compared}\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except HarnessError as error:
        sys.stderr.write(f"{error}\n{error.hint}\n")
        raise SystemExit(error.exit_code) from error
