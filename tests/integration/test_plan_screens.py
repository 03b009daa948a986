"""What plans and methods look like on a terminal: golden screens at 80 and 120 columns.

After a meant change: `HARNESS_SCREENS=write pytest tests/integration/test_plan_screens.py`.
"""

import io
import os
import shutil
from pathlib import Path

import pytest

from harness import console
from harness.cli.app import app
from harness.console import streams
from tests.golden import FOLDER

WIDTHS = (80, 120)
SCREENS = {
    "plan-all": ("plan", "all"),
    "plan-sipe": ("plan", "sipe"),
    "methods": ("methods",),
    "methods-sipe": ("methods", "sipe"),
}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing: no cache, no mirror, no GPU that may be used."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("HARNESS_MIRROR", raising=False)
    return tmp_path / "runs"


def printed(monkeypatch: pytest.MonkeyPatch, *words: str, columns: int) -> str:
    """What a command prints on a terminal of that width, without colours."""
    file = io.StringIO()
    plain = {"color_system": None, "force_terminal": True}
    shown = console.ReadableConsole(file=file, width=columns, **plain)
    monkeypatch.setattr(streams, "out", shown)
    app(list(words), standalone_mode=False)
    return file.getvalue()


def check(name: str, text: str) -> None:
    file = FOLDER / "screens" / f"{name}.txt"
    if os.environ.get("HARNESS_SCREENS") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_golden_screen(
    name: str, columns: int, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed(monkeypatch, *SCREENS[name], "--runs", str(runs), columns=columns)
    check(f"{name}-{columns}", text)
    assert all(len(line) <= columns for line in text.splitlines())


def test_all_methods_fit_on_a_page(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, "plan", "all", "--runs", str(runs), columns=80)
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("columns", WIDTHS)
def test_measured_figures_keep_their_sources(
    columns: int, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FOLDER / "rehearsed" / "measured", runs / "measured")
    words = ("plan", "sipe", "--backbone", "res101", "--seeds", "5", "--runs", str(runs))
    text = printed(monkeypatch, *words, columns=columns)
    check(f"plan-sipe-measured-{columns}", text)
    assert "on Test GPU 80GB on 2026-11-30" in " ".join(text.split())


def test_every_step_has_a_line_and_reasons_are_said_once(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("plan", "sipe", "--seeds", "1", "--steps", "--runs", str(runs))
    text = printed(monkeypatch, *words, columns=80)
    check("plan-sipe-steps-80", text)
    assert text.count("to do") == 70
    assert text.count("not hashed yet") == 1
