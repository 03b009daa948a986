"""The one door to venv, pip and uv: makes virtual environments from hash-locked requirements."""

import functools
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from harness.environments.build_log import hint_of, last_lines
from harness.environments.builder import Interpreter, Packages
from harness.environments.pip_settings import build_variables
from harness.environments.uv import Uv, find_uv
from harness.errors import BuildError, NotReadyError

_ASK = "import platform, sys; print(platform.python_version(), sys.platform, platform.machine())"

_ASK_COMPILER = (
    "import sysconfig; print(sysconfig.get_config_var('CXX') or 'c++'); "
    "print(sysconfig.get_path('include') + '/Python.h')"
)


class PipVenvBuilder:
    """`harness.environments.builder.VenvBuilder` with `python -m venv`, and uv or pip.

    What comes as source only is built by pip in any case.
    """

    def __init__(self, *, uv: bool = True) -> None:
        self._uv = uv

    def interpreter(self, version: str) -> Interpreter:
        """Harness's own Python if it is `version`, else `python<version>` on PATH."""
        return _interpreter(version)

    def build(
        self,
        interpreter: Interpreter,
        packages: Packages,
        folder: Path,
        pip: tuple[str, ...],
        log: Path,
    ) -> Path:
        """Install `packages`, a hash for every file. Raises BuildError with the log's end."""
        python = folder / "bin" / "python"
        log.parent.mkdir(parents=True, exist_ok=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        uv = find_uv(os.environ, pip) if self._uv else None
        if packages.build:
            _refuse_without_compiler(interpreter)
        with log.open("ab") as stream, TemporaryDirectory(dir=folder.parent) as scratch:
            shell = _Shell(stream=stream, log=log, scratch=Path(scratch), pip=pip, uv=uv)
            shell.make(interpreter, folder)
            shell.install(python, packages.torch, "torch.txt", "--only-binary", ":all:")
            if packages.build:
                shell.install_from_source(interpreter, python, packages)
            else:
                shell.install(python, packages.others, "others.txt", "--only-binary", ":all:")
            shell.check(python)
        return python

    def download(
        self,
        interpreter: Interpreter,
        packages: Packages,
        folder: Path,
        pip: tuple[str, ...],
        log: Path,
    ) -> None:
        """Download what `build` would install, sources as sources. Raises BuildError."""
        # pip asks a source package for its name with the build requirements at hand, as in `build`.
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream, TemporaryDirectory(dir=folder.parent) as scratch:
            shell = _Shell(stream=stream, log=log, scratch=Path(scratch), pip=pip)
            builder = Path(scratch) / "builder"
            shell.make(interpreter, builder)
            shell.install(builder / "bin" / "python", packages.build, "build.txt")
            wheels = () if packages.build else ("--only-binary", ":all:")
            shell.download(
                builder / "bin" / "python", packages.torch, folder, "--only-binary=:all:"
            )
            shell.download(builder / "bin" / "python", packages.others, folder, *wheels)
            shell.download(builder / "bin" / "python", packages.build, folder)

    def probe(self, python: Path, code: str) -> Mapping[str, object]:
        """Run `code` in the environment; the JSON object it prints. Raises BuildError."""
        done = subprocess.run(
            [str(python), "-I", "-c", code], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BuildError(
                f"{python} does not start as it should:\n{last_lines(done.stderr.splitlines())}",
                hint="remove the environment's folder and build again",
            )
        probe: dict[str, object] = json.loads(done.stdout)
        return probe


@functools.cache
def _interpreter(version: str) -> Interpreter:
    own = ".".join(platform.python_version_tuple()[:2])
    if own == version:
        # The base, not harness's venv: a venv made of a venv dies with it.
        path = Path(getattr(sys, "_base_executable", sys.executable))
        machine = f"{sys.platform}-{platform.machine()}"
        return Interpreter(path=path, version=platform.python_version(), platform=machine)
    found = shutil.which(f"python{version}")
    if found is None:
        raise NotReadyError(
            f"no Python {version} for this stack: harness runs on {platform.python_version()}, and "
            f"python{version} is not on PATH",
            hint=f"install Python {version} (with venv), or choose --runtime docker",
        )
    asked = subprocess.run([found, "-I", "-c", _ASK], capture_output=True, text=True, check=True)
    full, system, machine = asked.stdout.split()
    return Interpreter(path=Path(found), version=full, platform=f"{system}-{machine}")


def _refuse_without_compiler(interpreter: Interpreter) -> None:
    """Raise NotReadyError if packages that come as source cannot be built: before any download."""
    argv = [str(interpreter.path), "-I", "-c", _ASK_COMPILER]
    asked = subprocess.run(argv, capture_output=True, text=True, check=True)
    compiler, header = asked.stdout.splitlines()
    program = (os.environ.get("CXX") or compiler).split()[0]
    missing = [] if shutil.which(program) else [f"the C++ compiler {program}"]
    missing += [] if Path(header).is_file() else [f"Python's header {header}"]
    if missing:
        version = ".".join(interpreter.version.split(".")[:2])
        raise NotReadyError(
            f"a package of this environment comes as source only, and {' and '.join(missing)} "
            "to build it with cannot be found",
            hint=f"apt-get install g++ python{version}-dev (Debian), or choose --runtime docker",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shell:
    """Runs one build's programs; all their output goes into its log."""

    stream: IO[bytes]
    log: Path
    scratch: Path
    pip: tuple[str, ...]
    uv: Uv | None = None  # None: pip installs

    def make(self, interpreter: Interpreter, folder: Path) -> None:
        """Make a virtual environment; with pip in it, unless uv does without."""
        pip = () if self.uv is None else ("--without-pip",)
        self.run(*_module(interpreter.path, "venv"), *pip, str(folder))

    def install(self, python: Path, requirements: str, name: str, *options: str) -> None:
        """Install what a requirements text names, hashes required."""
        if not requirements:
            return
        file = self.scratch / name
        file.write_text(requirements)
        locked = (*options, "--require-hashes", "-r", str(file))
        if self.uv is None:
            self.run(*_pip(python, "install"), *self.pip, *locked)
        else:
            self.run(*self.uv.install(python), *locked, env=self.uv.variables)

    def check(self, python: Path) -> None:
        """Look whether the requirements of all packages are met."""
        if self.uv is None:
            self.run(*_module(python, "pip"), "check")
        else:
            self.run(*self.uv.check(python), env=self.uv.variables)

    def download(self, python: Path, requirements: str, folder: Path, *options: str) -> None:
        """`pip download` of a requirements text, hashes required."""
        if not requirements:
            return
        file = self.scratch / "download.txt"
        file.write_text(requirements)
        self.run(
            *_pip(python, "download"),
            *("--no-build-isolation", "--require-hashes", *options, *self.pip),
            *("-d", str(folder), "-r", str(file)),
        )

    def install_from_source(
        self, interpreter: Interpreter, python: Path, packages: Packages
    ) -> None:
        """Build what has no wheel with the locked build requirements, then install all wheels."""
        builder, file = self.scratch / "builder", self.scratch / "others.txt"
        file.write_text(packages.others)
        wheels = self.scratch / "wheels"
        replace(self, uv=None).make(interpreter, builder)
        self.install(builder / "bin" / "python", packages.build, "build.txt")
        self.run(
            *_pip(builder / "bin" / "python", "wheel"),
            # pip's cache of built wheels knows nothing of the numpy that they were built against.
            *("--no-build-isolation", "--no-cache-dir", "--require-hashes", "-w", str(wheels)),
            *(*self.pip, "-r", str(file)),
            env={"HOME": str(self.scratch), **_netrc()},  # ~/.pydistutils.cfg changes what is built
        )
        made = sorted(str(wheel) for wheel in wheels.glob("*.whl"))
        if self.uv is None:
            self.run(*_pip(python, "install"), "--no-index", *made)
        else:
            uv = replace(self.uv, no_index=True)
            self.run(*uv.install(python), *made, env=uv.variables)

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> None:
        """Run `argv`; its end and a hint become a BuildError if it fails."""
        env = {**build_variables(os.environ), **(env or {})}
        self.stream.write(f"$ {' '.join(argv)}\n".encode())
        self.stream.flush()
        start = self.stream.tell()
        done = subprocess.run(
            argv, stdout=self.stream, stderr=subprocess.STDOUT, check=False, env=env
        )
        if done.returncode == 0:
            return
        said = self.log.read_bytes()[start:].decode(errors="replace")
        raise BuildError(
            f"building a virtual environment failed ({_named(argv)}, exit code "
            f"{done.returncode}):\n{last_lines(said.splitlines())}\nfull log: {self.log}",
            hint=hint_of(said),
        )


def _pip(python: Path, verb: str) -> tuple[str, ...]:
    return (*_module(python, "pip"), verb, "--progress-bar", "off", "--no-deps")


def _named(argv: Sequence[str]) -> str:
    """What of a command line names it: `uv pip install`, `-m pip install`."""
    return " ".join(argv[2:5] if argv[1] == "-I" else (Path(argv[0]).name, *argv[1:3]))


def _module(python: Path, name: str) -> tuple[str, ...]:
    """A module of Python's own, whatever lies in the working directory."""
    return (str(python), "-I", "-m", name)


def _netrc() -> dict[str, str]:
    """Where pip finds passwords of servers when it has another home."""
    usual = Path(os.environ.get("HOME") or "/", ".netrc")
    return {} if "NETRC" in os.environ or not usual.is_file() else {"NETRC": str(usual)}
