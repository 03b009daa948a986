"""Tables in LaTeX compile and fit the page."""

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import cli  # noqa: F401 - its commands register themselves
from harness.cli.app import app
from harness.layout import RunLayout
from tests.evidence import Finished, finish

HEAD = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"


@pytest.mark.latex
@pytest.mark.parametrize("name", ["6", "7", "8", "stages"])
def test_latex_compiles_and_fits_the_page(name: str, tmp_path: Path) -> None:
    layout = RunLayout(tmp_path / "runs")
    layout.runs.mkdir(parents=True)
    for seed in range(1, 6):
        finish(layout, Finished("pmm", "res38", "none", seed, J=63.0 + seed, F=40.0))
    finish(layout, Finished("de_mo", "tiny", "none", 1, J=1.0, F=1.0))  # its name is in a note
    words = ["table", name, "--format", "latex", "--runs", str(layout.root)]
    page = CliRunner().invoke(app, words).stdout
    text = f"{HEAD}\n{page}\n\\end{{document}}\n"
    (tmp_path / "page.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout
    assert (tmp_path / "page.pdf").stat().st_size > 0
