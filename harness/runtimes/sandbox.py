"""Bubblewrap's command line: the same places as in a container, on this machine's own files."""

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.runtimes.runtime import Mount

#: Where the step's virtual environment is inside, wherever it lies on this machine.
VENV = PurePosixPath("/opt/venv")
#: Places that belong to the step: no other folder of this machine can stand there too.
_TAKEN = ("/work", "/in", "/data", "/out", "/opt/venv", "/opt/harness", "/home/step")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubblewrap:
    """A bubblewrap that works on this machine."""

    path: str
    version: str


@functools.cache
def find_bubblewrap() -> Bubblewrap | str:
    """Bubblewrap, if it is installed and may make its namespaces here; else why not."""
    path = shutil.which("bwrap")
    if path is None:
        return "bubblewrap is not installed (Debian: apt-get install bubblewrap)"
    probe = [path, *_namespaces(), *_system(), "--remount-ro", "/", "/bin/true"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        return f"bubblewrap may not make namespaces here: {done.stderr.strip()}"
    printed = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return Bubblewrap(path=path, version=printed.stdout.split()[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """Where an interpreter's files lie: its venv, if it is of one, and the installation beneath."""

    venv: Path | None
    bases: tuple[Path, ...]

    @classmethod
    def of(cls, python: Path) -> "Prefix":
        """Read it off the interpreter's path and its `pyvenv.cfg`."""
        folder = python.absolute().parent.parent
        settings = folder / "pyvenv.cfg"
        real = Path(os.path.realpath(python)).parent.parent
        if not settings.is_file():
            return cls(venv=None, bases=(real,))
        pairs = (line.partition("=") for line in settings.read_text().splitlines())
        homes = [Path(value.strip()) for key, _, value in pairs if key.strip() == "home"]
        bases = dict.fromkeys([real, *(home.parent for home in homes)])
        return cls(venv=folder, bases=tuple(bases))

    def inside(self, python: Path) -> str:
        """The interpreter's path as the step sees it."""
        return str(python) if self.venv is None else str(VENV / "bin" / python.name)

    def obstacle(self) -> str | None:
        """Why these files cannot be bound beside the step's own places, if they cannot."""
        for base in self.bases:
            clash = any(_overlap(base, Path(place)) for place in _TAKEN)
            if clash and not _in_system(base):
                return f"the Python in {base} lies where steps have places of their own"
        return None


def wrap(
    bubblewrap: Bubblewrap,
    prefix: Prefix,
    mounts: Sequence[Mount],
    cwd: PurePosixPath,
    devices: Sequence[str] = (),
) -> list[str]:
    """The command line that comes before the step's own."""
    argv = [bubblewrap.path, *_namespaces(), *_system()]
    for base in prefix.bases:
        if not _in_system(base):
            argv += ["--ro-bind", str(base), str(base)]
    if prefix.venv is not None:
        argv += ["--ro-bind", str(prefix.venv), str(VENV)]
    for device in devices:
        argv += ["--dev-bind", device, device]
    if devices:
        argv += ["--ro-bind", "/sys", "/sys"]  # the driver looks up PCI devices there
    for mount in sorted(mounts, key=lambda mount: len(mount.target.parts)):
        bind = "--bind" if mount.writable else "--ro-bind"
        argv += [bind, str(mount.source), str(mount.target)]
    return [*argv, "--remount-ro", "/", "--chdir", str(cwd), "--"]


def _namespaces() -> list[str]:
    spaces = ["net", "pid", "ipc", "uts"]
    return [*(f"--unshare-{space}" for space in spaces), "--die-with-parent", "--cap-drop", "ALL"]


@functools.cache
def _system() -> tuple[str, ...]:
    argv = ["--tmpfs", "/", "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            argv += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            argv += ["--ro-bind", str(path), str(path)]
    return (*argv, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")  # noqa: S108 - its own


def _in_system(path: Path) -> bool:
    return any(path.is_relative_to(place) for place in ("/usr", "/bin", "/lib", "/lib64", "/etc"))


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
