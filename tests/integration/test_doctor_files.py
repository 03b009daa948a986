"""doctor's look into upstream files: in a checkout of the cache, in a mirror, or not here yet."""

import dataclasses
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.doctor import State
from harness.doctor.check import UpstreamFile
from harness.doctor.upstream_files import upstream_files
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.contract import NpyRatios
from harness.manifest.model import Scale
from harness.sources.git import GitCommands
from harness.sources.sources import Sources

_PATH = "data/ratios.npy"
_ID = "2007_000032"  # the one in the upstream's data/list.txt


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for what is made for now."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def pinned(project: Any, ratios: object) -> Any:
    """The upstream with a file of ratios under contract."""
    np.save(project.upstream / _PATH, ratios)
    contract = NpyRatios(kind="npy-ratios", ids="data/list.txt", others=True)
    return project.commit().pin(contracts={_PATH: contract}, paper_only=(_PATH,))


def looked_at(project: Any, *, mirror: bool) -> UpstreamFile:
    context: Any = SimpleNamespace(
        cache=CacheLayout(project.cache),
        project=ProjectLayout(project.root / "project"),
        mirror=project.mirror if mirror else None,
    )
    [found] = upstream_files(context, "toy", {"tool": project.repository})
    return found


def check_out(project: Any) -> None:
    place = ProjectLayout(project.root / "project")
    sources = Sources(GitCommands(), CacheLayout(project.cache), place, project.mirror)
    sources.checkout("tool", project.repository, (), scale=Scale.PAPER)


def row(share: float) -> list[np.float64]:
    return [np.float64(share)] * 20


CASES = [
    ({_ID: row(0.5), "2007_000039": row(0.5)}, State.OK, "count 1, low 0.5, high 0.5", ""),
    ({_ID: row(1 + 1e-7)}, State.NOTE, "out of 0..1 by rounding", "used as it is"),
    ({_ID: row(1.5)}, State.MISSING, f"from 0 to 1 for {_ID}", ""),
    ({"2007_000039": row(0.5)}, State.MISSING, f"1 missing: {_ID}", ""),
]


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize(("ratios", "state", "words", "fix"), CASES)
def test_a_file_that_is_here_is_checked(
    *,
    source_project: Any,
    temporary: Path,
    ratios: object,
    state: State,
    words: str,
    fix: str,
    mirror: bool,
) -> None:
    project = pinned(source_project, ratios)
    if not mirror:
        check_out(project)
    found = looked_at(project, mirror=mirror)
    assert (found.name, found.state) == (f"tool/{_PATH}", state)
    assert words in found.found
    assert fix in found.fix
    assert bool(found.fix) is (state is not State.OK)
    assert not list(temporary.iterdir())
    assert project.cache.exists() is not mirror  # it only looks


def test_a_file_that_is_not_here_yet_is_a_note(source_project: Any) -> None:
    found = looked_at(pinned(source_project, {}), mirror=False)
    assert (found.state, found.found) == (State.NOTE, "not here yet, so not checked")
    assert "harness fetch toy" in found.fix


def test_a_mirror_without_the_file_cannot_serve(source_project: Any, temporary: Path) -> None:
    project = pinned(source_project, {})
    blob = project.git("rev-parse", f"HEAD:{_PATH}").strip()
    loose = project.bare / "objects" / blob[:2] / blob[2:]
    loose.unlink()
    found = looked_at(project, mirror=True)
    assert (found.name, found.state) == (f"tool/{_PATH}", State.MISSING)
    assert f"misses what paper scale needs: {_PATH}" in found.found
    assert "complete the mirror" in found.fix
    assert not list(temporary.iterdir())


def test_repositories_without_contracts_are_not_opened(source_project: Any) -> None:
    repository = dataclasses.replace(source_project.repository, contracts={})
    context: Any = SimpleNamespace()
    assert upstream_files(context, "toy", {"tool": repository}) == ()
