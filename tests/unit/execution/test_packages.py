"""Packages that steps see: staged with what they import, and hashed with it."""

from pathlib import Path

import pytest

from harness.execution import packages
from harness.layout import RunLayout


@pytest.mark.parametrize("name", ["metrics", "glue"])
def test_a_package_comes_with_the_readers_it_imports(tmp_path: Path, name: str) -> None:
    folder = packages.stage(RunLayout(tmp_path), (name,))
    assert (folder / "harness" / "readers" / "id_lists.py").is_file()
    other = "glue" if name == "metrics" else "metrics"
    assert not (folder / "harness" / other).exists()


def test_losses_come_alone(tmp_path: Path) -> None:
    folder = packages.stage(RunLayout(tmp_path), ("losses",))
    assert not (folder / "harness" / "readers").exists()


def test_a_change_of_the_readers_changes_the_hash_of_those_that_import_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = packages.package_hashes()
    own = packages._hash
    changed = packages._ROOT / "readers"
    monkeypatch.setattr(packages, "_hash", lambda path: own(path) + str(path == changed))
    packages.package_hashes.cache_clear()
    after = packages.package_hashes()
    packages.package_hashes.cache_clear()
    different = {name for name in before if f"{before[name]}False" != after[name]}
    assert {"metrics", "glue", "readers"} <= different
    assert "losses" not in different
