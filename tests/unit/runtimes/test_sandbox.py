"""Bubblewrap's command line."""

from pathlib import Path, PurePosixPath

import pytest

from harness.runtimes.runtime import Mount
from harness.runtimes.sandbox import Bubblewrap, Prefix, wrap

BWRAP = Bubblewrap(path="/usr/bin/bwrap", version="0.8.0")


def venv(root: Path, home: Path) -> Path:
    """A virtual environment's skeleton on the interpreter in `home`."""
    home.mkdir(parents=True)
    (home / "python3.11").touch()
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "python").symlink_to(home / "python3.11")
    (root / "pyvenv.cfg").write_text(f"home = {home}\nversion = 3.11.7\n")
    return root / "bin" / "python"


def test_a_venv_and_the_python_beneath_it_are_bound_read_only(tmp_path: Path) -> None:
    python = venv(tmp_path / "venv", tmp_path / "python" / "bin")
    prefix = Prefix.of(python)
    argv = wrap(BWRAP, prefix, (), PurePosixPath("/work"))
    text = " ".join(argv)
    assert f"--ro-bind {tmp_path / 'venv'} /opt/venv" in text
    assert f"--ro-bind {tmp_path / 'python'} {tmp_path / 'python'}" in text
    assert prefix.inside(python) == "/opt/venv/bin/python"
    assert prefix.obstacle() is None


def test_a_python_of_the_system_needs_no_more_than_the_system() -> None:
    prefix = Prefix(venv=None, bases=(Path("/usr"),))
    argv = wrap(BWRAP, prefix, (), PurePosixPath("/work"))
    assert argv.count("/usr") == 2
    assert prefix.inside(Path("/usr/bin/python3")) == "/usr/bin/python3"


def test_mounts_are_read_only_unless_writable_and_outer_ones_come_first() -> None:
    mounts = (
        Mount(source=Path("/a"), target=PurePosixPath("/in/deep/er")),
        Mount(source=Path("/b"), target=PurePosixPath("/out"), writable=True),
        Mount(source=Path("/c"), target=PurePosixPath("/in/deep")),
    )
    argv = wrap(BWRAP, Prefix(venv=None, bases=()), mounts, PurePosixPath("/work/inner"))
    text = " ".join(argv)
    assert "--bind /b /out" in text
    assert text.index("--ro-bind /c /in/deep") < text.index("--ro-bind /a /in/deep/er")
    assert argv[-5:] == ["--remount-ro", "/", "--chdir", "/work/inner", "--"]
    for wanted in ("--unshare-net", "--unshare-pid", "--die-with-parent", "--cap-drop"):
        assert wanted in argv


def test_devices_are_bound_only_where_asked_for() -> None:
    prefix = Prefix(venv=None, bases=())
    assert "/dev/nvidia0" not in wrap(BWRAP, prefix, (), PurePosixPath("/work"))
    argv = wrap(BWRAP, prefix, (), PurePosixPath("/work"), ("/dev/nvidia0",))
    assert "--dev-bind /dev/nvidia0 /dev/nvidia0" in " ".join(argv)


@pytest.mark.parametrize("base", ["/data/python", "/work", "/opt", "/home/step/.pyenv"])
def test_a_python_in_a_steps_place_is_an_obstacle(base: str) -> None:
    found = Prefix(venv=None, bases=(Path(base),)).obstacle()
    assert found is not None
    assert base in found


@pytest.mark.parametrize("base", ["/usr", "/opt/python/3.11", "/home/me/.pyenv", "/database"])
def test_a_python_elsewhere_is_none(base: str) -> None:
    assert Prefix(venv=None, bases=(Path(base),)).obstacle() is None
