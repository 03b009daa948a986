"""The one door to venv and pip: makes virtual environments from hash-locked requirements."""

import functools
import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from harness.core.building import Interpreter
from harness.errors import BuildError, NotReadyError

_LAST_LINES = 20
_ASK = "import platform, sys; print(platform.python_version(), sys.platform, platform.machine())"


class PipVenvBuilder:
    """`harness.core.building.VenvBuilder` with `python -m venv` and pip."""

    def interpreter(self, version: str) -> Interpreter:
        """Harness's own Python if it is `version`, else `python<version>` on PATH."""
        return _interpreter(version)

    def build(
        self, interpreter: Interpreter, lock: Path, folder: Path, pip: tuple[str, ...], log: Path
    ) -> Path:
        """Install `lock`, hashes required, nothing compiled. Raises BuildError with the log's end."""
        python = folder / "bin" / "python"
        install = [str(python), "-m", "pip", "install", "--no-input"]
        install += ["--disable-pip-version-check", "--progress-bar", "off", "--no-deps"]
        install += ["--only-binary", ":all:", "--require-hashes", *pip, "-r", str(lock)]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _run([str(interpreter.path), "-m", "venv", str(folder)], stream, log, lock)
            _run(install, stream, log, lock)
            _run([str(python), "-m", "pip", "check"], stream, log, lock)
        return python

    def probe(self, python: Path, code: str) -> Mapping[str, object]:
        """Run `code` in the environment; the JSON object it prints. Raises BuildError."""
        done = subprocess.run(
            [str(python), "-I", "-c", code], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BuildError(
                f"{python} does not start as it should:\n{_end(done.stderr)}",
                hint="remove the environment's folder and build again",
            )
        facts: dict[str, object] = json.loads(done.stdout)
        return facts


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


def _run(argv: Sequence[str], stream: IO[bytes], log: Path, lock: Path) -> None:
    stream.write(f"$ {' '.join(argv)}\n".encode())
    stream.flush()
    start = stream.tell()
    done = subprocess.run(argv, stdout=stream, stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0:
        return
    said = log.read_bytes()[start:].decode(errors="replace")
    raise BuildError(
        f"building the environment of {lock} failed ({' '.join(argv[1:4])}, exit code "
        f"{done.returncode}):\n{_end(said)}\nfull log: {log}",
        hint=_hint(said),
    )


def _hint(said: str) -> str:
    if re.search(r"CERTIFICATE_VERIFY_FAILED|SSLError", said):
        return "pass the certificates of your proxy with --ca-bundle FILE"
    if re.search(r"DO NOT MATCH THE HASHES|hashes are required", said):
        return "a file is not the one that was locked; nothing of it was used; check your registry"
    if re.search(r"No matching distribution|Could not find a version|ConnectionError", said):
        return "check the network, or pass a folder of wheels with --wheelhouse DIR"
    if re.search(r"No module named '?(venv|ensurepip|pip)|ensurepip is not", said):
        return "install the venv module (Debian: python3-venv)"
    return "read the full log"


def _end(text: str) -> str:
    return "\n".join(text.splitlines()[-_LAST_LINES:])
