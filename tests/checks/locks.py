"""Make the hash locks from what they lock (`make locks`); with --check say which are not current.

uv keeps the versions (and hashes) that a lock pins as long as they fit. So a lock that comes out as
it was, from its versions alone, is current, and its hashes are those of the index.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "3.11"
_UV = Path(sys.executable).with_name("uv")
_HASH = re.compile(r" \\\n    --hash=sha256:[0-9a-f]+")
_OPTIONS = ("--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links")


@dataclass(frozen=True)
class Lock:
    """A lock, what it is made of, and what uv is told besides."""

    source: Path
    path: Path
    options: tuple[str, ...]

    def compile(self, target: Path) -> None:
        """Write `target`, which may hold a lock to start from."""
        command = [str(_UV), "pip", "compile", "-q", "--python-version", PYTHON, *_OPTIONS]
        command += [*self.options, str(self.source.relative_to(ROOT)), "-o", str(target)]
        subprocess.run(command, cwd=ROOT, check=True)

    def is_current(self) -> bool:
        """Whether it comes out as it is."""
        with tempfile.TemporaryDirectory() as folder:
            again = Path(folder, self.path.name)
            again.write_text(_HASH.sub("", self.path.read_text()))
            self.compile(again)
            return again.read_bytes() == self.path.read_bytes()

    def is_installable(self) -> bool:
        """Whether the index has a file of every package for this platform."""
        with tempfile.TemporaryDirectory() as folder:
            command = [str(_UV), "pip", "install", "-q", "--dry-run", "--target", folder]
            command += ["--python-version", PYTHON, "--no-deps", "--require-hashes"]
            command += [*torch_place()[:2], "-r", str(self.path)]
            return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def torch_place() -> tuple[str, ...]:
    """Where torch without CUDA is: a folder of wheels that pip is told of, or torch's index."""
    folder = os.environ.get("HARNESS_WHEELHOUSE") or os.environ.get("PIP_FIND_LINKS") or ""
    if folder and any(Path(folder).glob("torch-*+cpu-*.whl")):
        return "--find-links", folder
    return "--torch-backend", "cpu"


def locks() -> Iterator[Lock]:
    """Harness's own lock, those of the tools that tests and benchmarks run, those of every method and stack."""
    own = ("--extra", "dev", "--no-emit-package", "torch", *_constraints("host"))
    yield Lock(ROOT / "pyproject.toml", ROOT / "requirements.lock", own)
    for name in ("tests/services/crate_tools.in", "benchmarks/peers/tools.in"):
        tools = ROOT / name
        yield Lock(tools, tools.with_suffix(".lock"), ("--no-annotate",))
    for source in sorted(ROOT.glob("dockerfiles/*/*.in")):
        options = ("--no-annotate", *_constraints(source.name.partition(".")[0]))
        yield Lock(source, source.with_suffix(".lock"), options)


def _constraints(stack: str) -> tuple[str, ...]:
    """What holds for all methods of a stack; without CUDA for `host`."""
    file = Path("dockerfiles", f"{stack}.constraints.txt")
    more = torch_place() if stack == "host" else ()
    return (*(("-c", str(file)) if (ROOT / file).is_file() else ()), *more)


def main() -> int:
    """Lock, or check."""
    if "--check" not in sys.argv:
        for lock in locks():
            lock.compile(lock.path)
        return 0
    stale = [str(lock.path.relative_to(ROOT)) for lock in locks() if not lock.is_current()]
    for name in stale:
        print(f"{name} is not what `make locks` writes", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
