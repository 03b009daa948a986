"""Locks are read strictly: a version and a hash on every line, or an error that names the line."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.environments.base_images import base_digest
from harness.environments.requirements import read_lock, read_requirements
from harness.errors import ManifestError
from tests.unit.environments.environments import HASH, LOCK, make_project

PROJECT = Path(__file__).parents[3]


def test_reads_names_versions_and_hashes(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    file.write_text(LOCK)
    lock = read_requirements(file)
    assert [(one.name, one.version) for one in lock.requirements] == [
        ("jinja2", "3.1.6"),
        ("nvidia-cublas-cu11", "11.10.3.66"),
        ("torch", "2.0.1"),
    ]
    assert lock.requirements[0].hashes == {HASH, "b" * 64}
    assert len(lock.hashes()) == 4


def test_torch_and_its_libraries_are_apart_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    file.write_text(LOCK)
    lock = read_requirements(file)
    assert "torch==2.0.1" in lock.torch_part()
    assert "nvidia-cublas" in lock.torch_part()
    assert "Jinja2" not in lock.torch_part()
    assert "Jinja2" in lock.other_part()
    together = lock.torch_part() + lock.other_part()
    assert sorted(together.splitlines()) == sorted(LOCK.splitlines()[1:])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("numpy", "'numpy'"),
        ("numpy>=1.23 --hash=sha256:" + HASH, "numpy>=1.23"),
        ("numpy==1.23.5", "numpy==1.23.5"),
        ("--extra-index-url https://wheels.example", "--extra-index-url"),
        ("git+https://git.example/numpy --hash=sha256:" + HASH, "git+https"),
    ],
)
def test_a_line_without_version_or_hash_is_refused(tmp_path: Path, line: str, found: str) -> None:
    file = tmp_path / "a.lock"
    file.write_text(f"{LOCK}{line}\n")
    with pytest.raises(ManifestError) as error:
        read_requirements(file)
    assert f"{file}:8:" in str(error.value)
    assert found in str(error.value)


def test_a_missing_lock_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no environment for this stack"):
        read_requirements(tmp_path / "none.lock")


def test_build_requirements_count_too(tmp_path: Path) -> None:
    project, _ = make_project(tmp_path)
    without = read_lock(project, "tool", "cu117")
    build = project.build_requirements("tool", "cu117")
    build.write_text(f"cython==0.29.36 --hash=sha256:{'f' * 64}\n")
    with_build = read_lock(project, "tool", "cu117")
    assert without.sha256 != with_build.sha256
    assert "f" * 64 in with_build.hashes()
    assert with_build.packages().build == build.read_text()
    assert without.packages().build == ""


@pytest.mark.parametrize("text", ["bases: {}\n", "bases: {'debian:bookworm-slim': latest}\n"])
def test_a_base_without_digest_is_an_error_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    project, _ = make_project(tmp_path)
    project.lock.write_text(text)
    with pytest.raises(ManifestError, match="expected sha256:") as error:
        base_digest(project, "debian:bookworm-slim")
    assert "--base" in error.value.hint


def test_every_lock_of_the_project_can_be_read() -> None:
    locks = sorted(PROJECT.glob("dockerfiles/*/*.lock"))
    assert len(locks) >= 5
    for lock in locks:
        assert read_requirements(lock).requirements


@pytest.mark.parametrize(
    "source", sorted(PROJECT.glob("dockerfiles/*/*.in")), ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_a_lock_satisfies_what_it_was_made_of(source: Path) -> None:
    pinned = {
        one.name: one.version for one in read_requirements(source.with_suffix(".lock")).requirements
    }
    constraints = source.parents[1] / f"{source.name.partition('.')[0]}.constraints.txt"
    for asked, must in ((source, True), (constraints, False)):
        for line in asked.read_text().splitlines():
            if text := line.partition("#")[0].strip():
                wanted = Requirement(text)
                version = pinned.get(canonicalize_name(wanted.name))
                assert version or not must, f"{wanted.name} is not locked: run `make locks`"
                assert version is None or wanted.specifier.contains(version, prereleases=True), text


@pytest.mark.parametrize("stack", ["cu117", "cu130"])
def test_all_methods_of_a_stack_share_torch_and_the_arrays_that_cross_steps(stack: str) -> None:
    """Equal torch parts are one layer of images; CAMs and JPEGs do not cross numpy and Pillow."""
    folders = [file.parent for file in PROJECT.glob(f"dockerfiles/*/{stack}.lock")]
    assert len(folders) == 5
    locks = [read_requirements(folder / f"{stack}.lock") for folder in folders]
    assert len({lock.torch_part() for lock in locks}) == 1
    for name in ("numpy", "pillow"):
        versions = {one.version for lock in locks for one in lock.requirements if one.name == name}
        assert len(versions) == 1, name
