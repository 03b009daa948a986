"""What benchmarks measure and how they show it; the measuring itself is done by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import table
from benchmarks.peers import side_by_side
from benchmarks.peers.cwltool import Cwltool
from benchmarks.peers.ours import Harness
from benchmarks.peers.snakemake import Snakemake
from benchmarks.peers.tool import Tool, plain_environment
from benchmarks.peers.workload import STEPS, Workload
from harness.commands import plan as verbs
from harness.commands.context import Context
from harness.commands.where import Where
from harness.manifest.model import Losses, RuntimeName
from harness.plan.make import Ask
from tests.workflows import ROOT

FLEET = {"hours": 24.0, "utilisation": 0.5, "peak_disk_gb": 1.0, "peak_disk_kept_gb": 2.0}
ROWS: dict[str, dict[str, Any]] = {
    "peers": {
        "what": "dry run", "steps": 45, "ratio": 0.5, "seconds": {"harness": 1.0, "snakemake": 2.0},
    },
    "planning": {"runs": 140, "steps": 1530, "plan": 0.6, "look": 0.1, "simulate": 0.3},
    "containers": {"what": "a step", "seconds": {"bare": 0.5, "harness": 0.6}, "ratio": 1.2},
    "idle": {"what": "GPU idle", "gaps": 44, "median": 0.1, "longest": 0.2},
    "fleets": {"runs": 140, "fleets": [FLEET] * 9, "enough_gpus": 119},
    "disk": {"runs": 140, "fleets": [FLEET] * 9},
    "path": {"stage": 2, "name": "train", "gpus": 1, "hours": 12.0},
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_line_has_a_cell_for_each_column(name: str) -> None:
    head, line = table._TABLES[name]
    assert line(ROWS[name]).count("|") == head.count("|")


def test_every_mark_of_the_pages_has_a_table() -> None:
    for page in ("performance", "scale", "statistics"):
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        names = [one.split(" ")[1] for one in text.split("\n") if one.startswith("<!-- ")]
        assert names
        assert {name.strip("/").partition("-")[0] for name in names if name != "/"} <= set(
            table._TABLES
        )


def test_ours_is_held_against_the_fastest_peer() -> None:
    found = {"harness": [3.0, 1.0, 2.0], "snakemake": [4.0], "cwltool": [8.0]}
    row = side_by_side._row("x", Workload(5), found)
    assert (row["steps"], row["seconds"]["harness"], row["ratio"]) == (45, 2.0, 0.5)
    without = side_by_side._row("x", None, {**found, "cwltool": []})
    assert without["seconds"] == {"harness": 2.0, "snakemake": 4.0}


def test_our_project_is_a_chain_of_nine_steps_for_each_seed(tmp_path: Path) -> None:
    work = Workload(12)
    Harness(tmp_path / "cache").write(tmp_path, work)
    context = Context.open(Where(project=tmp_path, runs=tmp_path / "runs"))
    ask = Ask(methods=("trivial",), losses=(Losses.NONE,), seeds=12, runtime=RuntimeName.PROCESS)
    plan = verbs.plan(context, ask)
    assert len(plan.steps) == work.steps == 9 * 12
    for planned in plan.runs:
        chain = [plan.steps[key] for key in planned.steps.values()]
        assert len(chain) == STEPS
        assert [step.parents for step in chain] == [(), *((step.key,) for step in chain[:-1])]


def test_snakemake_gets_the_same_chain(tmp_path: Path) -> None:
    Snakemake(Path("/tools")).write(tmp_path, Workload(12))
    text = (tmp_path / "Snakefile").read_text()
    assert text.count("rule step") == text.count("shell:") == STEPS
    assert 'expand("out/{chain}/step9", chain=range(1, 13))' in text
    assert text.count('input: "out/{chain}/step') == STEPS - 1


def test_cwltool_gets_the_same_chain(tmp_path: Path) -> None:
    Cwltool(Path("/tools")).write(tmp_path, Workload(12))
    steps = json.loads((tmp_path / "chain.cwl").read_text())["steps"]
    given = [step["in"]["given"] for step in steps.values()]
    assert given == ["chain", *(f"step{number}/made" for number in range(1, STEPS))]
    assert json.loads((tmp_path / "job.json").read_text()) == {"chains": list(range(1, 13))}


@pytest.mark.parametrize("tool", [Snakemake(Path("/t")), Cwltool(Path("/t"))], ids=lambda t: t.name)
def test_a_tool_is_called_in_an_environment_without_traces_of_ours(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("HARNESS_CACHE", "/x")
    monkeypatch.setenv("PATH", "/bin")
    assert {"PATH"} <= plain_environment().keys()
    assert not {"PYTHONDONTWRITEBYTECODE", "HARNESS_CACHE"} & tool.help().environ.keys()


def test_files_are_counted_where_each_tool_puts_them(tmp_path: Path) -> None:
    places = {
        Harness(tmp_path): ("runs/store/ab/abc/record.json", "runs/attempts/abc-1/out/file"),
        Snakemake(Path("/t")): ("out/1/step1", "out/2/step9"),
        Cwltool(Path("/t")): ("cache/abc/made", "cache/def/made"),
    }
    for number, (tool, names) in enumerate(places.items()):
        folder = tmp_path / str(number)
        for name in names:
            (folder / name).parent.mkdir(parents=True)
            (folder / name).touch()
        assert tool.files(folder) == {folder / name for name in names}
