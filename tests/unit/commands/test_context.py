"""What a command asks of its context again and again is made once."""

from pathlib import Path

import pytest

from harness.commands import context as module
from harness.commands.context import Context
from harness.layout import CacheLayout, RunLayout
from tests.golden import PROJECT


def test_a_method_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = module.load_method

    def counted(project: object, name: str, catalogue: object) -> object:
        loaded.append(name)
        return load(project, name, catalogue)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "load_method", counted)
    context = Context(project=PROJECT, layout=RunLayout(tmp_path), cache=CacheLayout(tmp_path))
    methods = [context.method(name) for name in ("demo", "seam", "demo")]
    assert loaded == ["demo", "seam"]
    assert methods[0] is methods[2]
