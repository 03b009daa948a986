"""`record export`, and `--from` on the command line."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.errors import HarnessError, UsageError
from harness.layout import RunLayout
from tests.outputs import valid
from tests.unit.archive.conftest import PROJECT


def invoke(*words: str | Path) -> Any:
    """The JSON that a command prints. Raises what it raises."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return valid(done.stdout)


def export(layout: RunLayout, target: Path, *words: str | Path) -> Any:
    place = ("--runs", layout.root, "--project", PROJECT.root, "--json")
    return invoke("record", "export", *(words or ("demo",)), "--ro-crate", target, *place)


def test_the_runs_that_are_named_are_exported(layout: RunLayout, tmp_path: Path) -> None:
    made = export(layout, tmp_path / "crate.zip", "demo-tiny-none-s1")
    assert [run["name"][: len("demo-tiny-none-s1")] for run in made["runs"]] == [
        "demo-tiny-none-s1"
    ]
    found = invoke("record", "list", "--from", tmp_path / "crate.zip", "--json")
    assert [run["name"] for run in found["runs"]] == [run["name"] for run in made["runs"]]


def test_an_archive_and_its_runs_show_the_same(layout: RunLayout, tmp_path: Path) -> None:
    export(layout, tmp_path / "crate")
    expected = invoke("scores", "--classes", "--json", "--runs", layout.root)
    assert invoke("scores", "--classes", "--json", "--from", tmp_path / "crate") == expected
    assert expected["groups"]


def test_a_damaged_score_is_named_and_left_out(layout: RunLayout, tmp_path: Path) -> None:
    next(layout.store.glob("*/*/out/scores.json")).write_text("{}")
    made = export(layout, tmp_path / "crate")
    assert len(made["damage"]) == 1
    found = invoke("scores", "--json", "--from", tmp_path / "crate")
    assert len(found["damage"]) == 1


def test_the_report_of_these_runs_is_included(layout: RunLayout, tmp_path: Path) -> None:
    made = export(layout, tmp_path / "crate", "demo-tiny-none-s1")
    assert "report.html" in made["files"]
    page = (tmp_path / "crate" / "report.html").read_bytes()
    invoke("report", "-o", tmp_path / "again.html", "--json", "--from", tmp_path / "crate")
    assert page == (tmp_path / "again.html").read_bytes()
    assert "report.html" in (tmp_path / "crate" / "README.md").read_text()


def test_the_report_is_the_same_from_the_archive(layout: RunLayout, tmp_path: Path) -> None:
    export(layout, tmp_path / "crate.zip")
    places = {"a": ("--runs", layout.root), "b": ("--from", tmp_path / "crate.zip")}
    for name, place in places.items():
        invoke("report", "-o", tmp_path / name, "--json", *place)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_cannot_be_exported_is_said(layout: RunLayout, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="seem"):
        export(layout, tmp_path / "crate", "seem")
    assert not (tmp_path / "crate").exists()


def test_an_archive_and_a_folder_together_are_refused(layout: RunLayout, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--from and --runs"):
        invoke("scores", "--from", tmp_path, "--runs", layout.root)


def test_an_archive_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="nowhere"):
        invoke("scores", "--from", tmp_path / "nowhere")
