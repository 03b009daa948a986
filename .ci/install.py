"""Make .venv with harness in it: `make install`.

Any Python 3 can run this file, so that it can tell which one is needed. What would fail late is
checked first. Packages come from requirements.lock: by uv, or by pip where uv is not to be had.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
TESTED = (3, 11)
NOT_READY = 3


class MissingError(Exception):
    """What this machine does not have, and the command that helps."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def main() -> int:
    """Make .venv; the exit code."""
    try:
        refuse_old_python()
        refuse_missing_git()
        make_venv()
        install()
    except MissingError as missing:
        sys.stderr.write(f"error: {missing}\nhint: {missing.hint}\n")
        return NOT_READY
    except subprocess.CalledProcessError as error:
        words = " ".join(str(word) for word in error.cmd[:4])
        sys.stderr.write(f"error: {words} ... ended with exit code {error.returncode}\n")
        sys.stderr.write("hint: read what it said above; `make install` goes on from here\n")
        return NOT_READY
    return 0


def refuse_old_python() -> None:
    """Python 3.11 is what harness is tested with; a newer one may do."""
    found = sys.version_info[:2]
    if found == TESTED:
        return
    named = "Python {}.{} ({})".format(*found, sys.executable)
    if found < TESTED:
        raise MissingError(f"harness needs Python 3.11, and this is {named}", python_hint())
    sys.stderr.write(f"note: this is {named}; harness is tested with 3.11. To get it:\n")
    sys.stderr.write(f"note:   {python_hint()}\n")


def python_hint() -> str:
    """The one command that brings Python 3.11 here."""
    by_uv = 'uv python install 3.11 && make install PYTHON="$(uv python find 3.11)"'
    if shutil.which("uv"):
        return by_uv
    if _debian_has("python3.11"):
        return as_root("apt-get install python3.11 python3.11-venv")
    if shutil.which("dnf"):
        return as_root("dnf install python3.11")
    if shutil.which("brew"):
        return "brew install python@3.11"
    return f"pip install --user uv && {by_uv}"


def refuse_missing_git() -> None:
    """Repositories are checked out with git, those of the demo too."""
    if shutil.which("git") is None:
        manager = next(filter(shutil.which, ("apt-get", "dnf", "brew")), "apt-get")
        command = f"{manager} install git"
        raise MissingError("git is not on PATH", command if manager == "brew" else as_root(command))


def make_venv() -> None:
    """Make .venv if its Python does not start; with pip in it, unless a uv of the user's helps."""
    if PYTHON.exists() and subprocess.run([str(PYTHON), "-c", ""], check=False).returncode == 0:
        return
    words = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if find_spec("venv") and find_spec("ensurepip"):
        subprocess.run(words, check=True)
    elif find_spec("venv") and shutil.which("uv"):
        subprocess.run([*words, "--without-pip"], check=True)
    else:
        version = "{}.{}".format(*sys.version_info[:2])
        debian = as_root(f"apt-get install python{version}-venv")
        raise MissingError(
            f"Python {version} ({sys.executable}) cannot make virtual environments: "
            "its modules venv and ensurepip are missing",
            debian if shutil.which("apt-get") else f"install venv and ensurepip of {version}",
        )


def install() -> None:
    """Torch first: which one depends on the machine. Then what is locked, then harness itself."""
    install_uv()
    pip = _installer()
    sys.stdout.write(f"install torch {torch_version()}, then what requirements.lock names\n")
    sys.stdout.flush()
    if shutil.which("nvidia-smi"):
        _run(pip, f"torch=={torch_version()}")  # its CUDA libraries are packages of their own
    else:
        install_cpu_torch(pip)
    _run(pip, "--no-deps", "--require-hashes", "-r", str(LOCK))
    _run(pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT))


def install_uv() -> None:
    """The uv that the lock names, by pip, or by the user's own uv; without it pip goes on."""
    if UV.exists():
        return
    text = LOCK.read_text(encoding="utf-8")
    found = re.search(r"^uv==.*\n(?:[ \t].*\n)*", text, re.MULTILINE)
    assert found, f"{LOCK} does not name uv"
    file = VENV / "uv.lock"
    file.write_text(found[0], encoding="utf-8")
    own = shutil.which("uv")
    first = [own, "pip", "install", "--python", str(PYTHON)] if own else _pip()
    words = [
        *first,
        "-q",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "-r",
        str(file),
    ]
    if subprocess.run(words, check=False).returncode != 0:
        sys.stderr.write("note: uv is not to be had; pip installs, which takes longer\n")


def install_cpu_torch(pip: "tuple[list[str], dict[str, str]]") -> None:
    """Megabytes in the place of gigabytes: from the user's places of packages, else torch's."""
    words = ["--no-deps", f"torch=={torch_version()}+cpu"]
    command, variables = pip
    quiet = subprocess.run(
        [*command, *words], env={**os.environ, **variables}, stderr=subprocess.DEVNULL, check=False
    )
    if quiet.returncode != 0:
        index = os.environ.get("TORCH_INDEX") or "https://download.pytorch.org/whl/cpu"
        _run(pip, *words, "--index-url", index)


def torch_version() -> str:
    """The one torch of harness and of stack host."""
    text = (ROOT / "dockerfiles" / "host.constraints.txt").read_text(encoding="utf-8")
    return text.partition("torch==")[2].split()[0]


def as_root(command: str) -> str:
    """A command for whoever calls it."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def _installer() -> "tuple[list[str], dict[str, str]]":
    """What installs into .venv, and the variables that it needs."""
    sys.path.insert(0, str(ROOT))
    from harness.environments.uv import find_uv

    uv = find_uv(os.environ, path=UV)
    if uv is None:
        return [*_pip(), "-q"], {}
    words = [str(UV), "pip", "install", "-q", "--python", str(PYTHON)]
    return [*words, *(["--no-index"] if uv.no_index else [])], dict(uv.variables)


def _pip() -> "list[str]":
    return [str(PYTHON), "-m", "pip", "install"]


def _run(installer: "tuple[list[str], dict[str, str]]", *words: str) -> None:
    command, variables = installer
    subprocess.run([*command, *words], env={**os.environ, **variables}, check=True)


def _debian_has(package: str) -> bool:
    """Whether Debian's or Ubuntu's package lists have it."""
    if shutil.which("apt-cache") is None:
        return False
    asked = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", package],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return asked.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
