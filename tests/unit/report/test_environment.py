"""The report names what differs between steps, and between runs that should differ in a seed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.evidence import Evidence, RunEvidence
from harness.evidence.gather import gather
from harness.layout import RunLayout
from harness.report.blocks import Grid, Section, Text
from harness.report.sections.environment import environment
from tests.evidence import Finished, finish

RECORD: Mapping[str, Any] = {
    "harness": "0.1.0",
    "environment": {"id": "e" * 64, "python": "3.11.7", "torch": "2.0.1", "cuda": "11.7"},
    "runtime": {"by": "docker", "network": "none", "warnings": ["no memory limit"]},
    "host": {"name": "box", "os": "Debian", "kernel": "6.1", "cpu": "Xeon", "cores": 8},
    "container": {"gpus": []},
}


def evidence(tmp_path: Path, *records: Mapping[str, Any]) -> Evidence:
    layout = RunLayout(tmp_path / "runs")
    for seed, record in enumerate(records, 1):
        finish(layout, Finished("seam", "res38", "isl", seed, J=60.0, F=40.0, record=record))
    return gather(layout)


def shown(found: Evidence) -> Section:
    section = environment(found)
    assert section is not None
    return section


def grid(section: Section, start: str) -> Grid:
    grids = [one for one in section.blocks if isinstance(one, Grid)]
    return next(one for one in grids if one.caption.startswith(start))


def test_like_runs_differ_in_nothing(tmp_path: Path) -> None:
    section = shown(evidence(tmp_path, RECORD, RECORD))
    texts = [one.text for one in section.blocks if isinstance(one, Text)]
    assert texts[0].startswith("All steps ran on like hosts")
    assert texts[1].startswith("Runs of one row")
    assert "Isolation: no memory limit" in texts
    (row,) = grid(section, "Hosts").rows
    assert (row[0].text, row[-1].text) == ("box", "10")


@pytest.mark.parametrize(
    ("part", "name", "value", "field"),
    [
        ("environment", "torch", "2.14.1", "torch"),
        ("host", "os", "Fedora", "operating system"),
    ],
)
def test_what_differs_is_named_with_its_values(
    tmp_path: Path, part: str, name: str, value: str, field: str
) -> None:
    other = {**RECORD, part: {**RECORD[part], name: value}}
    section = shown(evidence(tmp_path, RECORD, other))
    rows = {row[0].text: row for row in grid(section, "What differs between steps").rows}
    assert rows.keys() == {field}
    assert rows[field][1].text == f"{RECORD[part][name]}; {value}"
    assert rows[field][2].text == "5; 5 steps"
    between = grid(section, "What differs between runs").rows
    assert [(row[2].text, row[3].text) for row in between] == [(RECORD[part][name], value)]


def test_options_that_differ_are_named(tmp_path: Path) -> None:
    found = evidence(tmp_path, RECORD, RECORD)
    one, other = found.runs
    mixed = replace(found, runs=(one, replace(other, options={"alphas": "1-24"})))
    rows = grid(shown(mixed), "What differs between steps").rows
    assert [row[0].text for row in rows] == ["option alphas of seam"]


def test_without_records_there_is_no_section(tmp_path: Path) -> None:
    assert environment(Evidence(root=tmp_path, runs=())) is None


def test_what_contracts_warn_of_is_named_once_for_each_step_and_output(tmp_path: Path) -> None:
    text = "ratios of 1 ids are out of 0..1 by rounding"
    outputs = {"ratios": {"sha256": "0" * 64, "contract": {"count": 2, "warnings": [text]}}}
    found = evidence(tmp_path, RECORD, RECORD)
    warning = replace(found, runs=tuple(with_outputs(run, outputs) for run in found.runs))
    texts = [one.text for one in shown(warning).blocks if isinstance(one, Text)]
    names = {name for run in found.runs for name in run.steps}
    expected = sorted(f"Step {name}, output ratios: {text}" for name in names)
    assert sorted(one for one in texts if one.endswith(text)) == expected
    assert not any(isinstance(one, Text) and text in one.text for one in shown(found).blocks)


def with_outputs(run: RunEvidence, outputs: Mapping[str, Any]) -> RunEvidence:
    """The run with these outputs in the record of each of its steps."""
    steps = {
        name: replace(step, record={**(step.record or {}), "outputs": outputs})
        for name, step in run.steps.items()
    }
    return replace(run, steps=steps)
