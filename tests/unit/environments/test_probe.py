"""What the probe finds installed, and that it needs nothing but an old Python to find it."""

import ast
import json
import sys
from pathlib import Path

import pytest

from harness.environments.installed import installed, wheel_tags
from harness.environments.probe import PROBE, VERSION, is_current

TWO_TAGS = """\
Wheel-Version: 1.0
Root-Is-Purelib: false
Tag: cp37-abi3-manylinux_2_17_x86_64
Tag: cp37-abi3-manylinux2014_x86_64
"""


def put(site: Path, name: str, **files: str) -> None:
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    for file, text in files.items():
        (folder / file).write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of packages."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def test_packages_are_listed_by_the_tags_of_their_wheels(site: Path) -> None:
    put(site, "Pure", WHEEL="Tag: py3-none-any\n", INSTALLER="uv\n")
    put(site, "also_pure", WHEEL="Tag: py3-none-any\n", INSTALLER="pip\n")
    put(site, "several", WHEEL=TWO_TAGS)
    put(site, "without")
    assert installed() == {
        "pip_freeze": ["also_pure==1.0", "pure==1.0", "several==1.0", "without==1.0"],
        "installers": {"uv": ["pure"], "pip": ["also_pure"], "unknown": ["several", "without"]},
        "wheels": {
            "py3-none-any": ["also_pure", "pure"],
            "cp37-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64": ["several"],
            "unknown": ["without"],
        },
    }


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Tag: py2-none-any\r\nTag: py3-none-any\r\n", "py2.py3-none-any"),
        (TWO_TAGS, "cp37-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64"),
        ("\n".join(reversed(TWO_TAGS.splitlines())), wheel_tags(TWO_TAGS)),
        ("Wheel-Version: 1.0\n", "unknown"),
        ("Tag:\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_tags_are_joined_as_in_the_names_of_wheels(text: str, tags: str) -> None:
    assert wheel_tags(text) == tags


def test_the_probe_is_one_program_for_python_3_9(capsys: pytest.CaptureFixture[str]) -> None:
    ast.parse(PROBE, feature_version=(3, 9))
    exec(PROBE.replace('find_spec("torch")', 'find_spec("no_torch")'), {})  # torch takes seconds
    probe = json.loads(capsys.readouterr().out)
    assert probe["probe"] == VERSION
    of_wheels = {name for names in probe["wheels"].values() for name in names}
    assert of_wheels == {one.partition("==")[0] for one in probe["pip_freeze"]}


def test_a_probe_of_an_older_release_is_asked_again() -> None:
    assert is_current({"probe": VERSION})
    assert not is_current({"probe": VERSION - 1})
    assert not is_current(None)
