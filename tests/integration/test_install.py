"""`make install` says at once what is missing, with the one command that helps."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """.ci/install.py, on a machine where nothing is on PATH."""
    spec = importlib.util.spec_from_file_location("install", ROOT / ".ci" / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    on_path(monkeypatch, module)
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    return module


def on_path(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *programs: str) -> None:
    found = {name: f"/bin/{name}" for name in programs}
    monkeypatch.setattr(module.shutil, "which", found.get)


@pytest.mark.parametrize(
    ("programs", "packaged", "expected"),
    [
        (("uv", "apt-get"), True, 'uv python install 3.11 && make install PYTHON="$(uv python'),
        (("apt-get",), True, "sudo apt-get install python3.11 python3.11-venv"),
        (("apt-get",), False, "pip install --user uv && uv python install 3.11"),
        (("dnf",), False, "sudo dnf install python3.11"),
        (("brew",), False, "brew install python@3.11"),
    ],
)
def test_an_old_python_is_refused(
    install: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    programs: tuple[str, ...],
    packaged: bool,
    expected: str,
) -> None:
    on_path(monkeypatch, install, *programs)
    monkeypatch.setattr(install, "_debian_has", lambda _: packaged)
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(
        install.MissingError, match=r"needs Python 3\.11, and this is Python 3\.9"
    ) as caught:
        install.refuse_old_python()
    assert caught.value.hint.startswith(expected)


def test_a_newer_python_is_told_of(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 5))
    install.refuse_old_python()
    said = capsys.readouterr().err
    assert "Python 3.13" in said
    assert "harness is tested with 3.11" in said


def test_missing_git_is_named(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path(monkeypatch, install, "apt-get")
    with pytest.raises(install.MissingError, match="git is not on PATH") as caught:
        install.refuse_missing_git()
    assert caught.value.hint == "sudo apt-get install git"


def without_ensurepip(monkeypatch: pytest.MonkeyPatch, module: ModuleType, venv: Path) -> None:
    """As Debian's Python without the package python3-venv."""
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "PYTHON", venv / "bin" / "python")
    there = module.find_spec
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name == "ensurepip" else there(name)
    )


def test_a_python_without_ensurepip_is_refused(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_ensurepip(monkeypatch, install, tmp_path / "venv")
    on_path(monkeypatch, install, "apt-get")
    with pytest.raises(install.MissingError, match="cannot make virtual environments") as caught:
        install.make_venv()
    assert caught.value.hint == "sudo apt-get install python3.11-venv"
    assert not (tmp_path / "venv").exists()


def test_a_uv_of_the_users_stands_in_for_ensurepip(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_ensurepip(monkeypatch, install, tmp_path / "venv")
    on_path(monkeypatch, install, "uv")
    install.make_venv()
    python = tmp_path / "venv" / "bin" / "python"
    asked = [str(python), "-c", "import pip"]
    assert subprocess.run(asked, check=False, capture_output=True).returncode == 1


def test_the_versions_are_those_of_the_locks(install: ModuleType) -> None:
    assert f"torch=={install.torch_version()}" in (
        ROOT / "dockerfiles" / "demo" / "host.in"
    ).read_text(encoding="utf-8")
