"""The check that no upstream line stands in this repository finds copies and nothing else."""

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.sources.git import GitCommands

SCRIPT = Path(__file__).parents[1] / "checks" / "upstream_lines.py"
LINE = "value = compute_something(first, second)"


@pytest.fixture(scope="module")
def check() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("upstream_lines", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def theirs(source_project: Any, check: ModuleType) -> dict[str, str]:
    """The lines of an upstream tree, outside its sparse paths too."""
    (source_project.upstream / "docs" / "more.py").write_text(f"\n    {LINE}\nshort = 1\n")
    (source_project.upstream / "docs" / "binary").write_bytes(b"\0" + LINE.encode())
    pinned = source_project.commit()
    commit = pinned.repository.commit
    return dict(check.upstream(GitCommands(), pinned.mirror, "owner/tool", commit))


@pytest.mark.parametrize("text", [f"{LINE}\n", f"\t# {LINE}\r\n", f"+  {LINE.replace(', ', ',')}"])
def test_copied_line_is_found(check: ModuleType, theirs: dict[str, str], text: str) -> None:
    ours = [("harness/ours.py", f"first\n{text}".encode())]
    (found,) = check.copies(ours, theirs, check.Allowed())
    assert found.startswith("harness/ours.py:2: also at owner/tool/docs/more.py:2: value=compute")


@pytest.mark.parametrize("data", [b"short = 1\n", b"\0" + LINE.encode(), f"{LINE} + 1".encode()])
def test_other_lines_are_not(check: ModuleType, theirs: dict[str, str], data: bytes) -> None:
    assert list(check.copies([("ours.py", data)], theirs, check.Allowed())) == []


def test_exceptions_need_a_reason_and_a_use(check: ModuleType, theirs: dict[str, str]) -> None:
    ours = [("ours.py", LINE.encode()), ("LICENSE", LINE.encode())]
    allowed = check.read_allowed(f"# everybody's\n{LINE}\nnobody_has = this_line_here()\n")
    assert list(check.copies(ours, theirs, allowed)) == []
    assert allowed.unused() == ["nobody_has = this_line_here()"]

    allowed = check.read_allowed("# a licence\nfile LICENSE\n")
    assert len(list(check.copies(ours, theirs, allowed))) == 1
    with pytest.raises(ValueError, match=":1: expected a comment with the reason above"):
        check.read_allowed(f"{LINE}\n")


@pytest.mark.upstream
def test_this_repository_holds_no_upstream_line(
    check: ModuleType,
    capsys: pytest.CaptureFixture[str],
    require: Callable[[bool, str], None],
) -> None:
    require("HARNESS_MIRROR" in os.environ, "HARNESS_MIRROR is not set")
    assert check.main() == 0, capsys.readouterr().out
