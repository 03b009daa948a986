"""Markdown and JUnit XML of finished runs."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.evidence import Evidence
from harness.evidence.gather import gather
from harness.layout import RunLayout
from harness.report import junit, markdown
from harness.report.beside import Beside
from harness.report.make import make_report
from tests.evidence import Finished, finish


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    layout = RunLayout(tmp_path / "runs")
    for seed in (1, 2):
        finish(layout, Finished("demo", "tiny", "none", seed, J=60.0 + seed, F=40.0))
    return gather(layout)


@given(st.text())
def test_text_is_one_line_without_markup(text: str) -> None:
    shown = markdown.escaped(text)
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|#~]", shown)


def test_markdown_has_every_section_and_every_seed(evidence: Evidence) -> None:
    report = make_report(evidence, Beside())
    text = markdown.render(report)
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        one.title for one in report.sections
    ]
    assert "| final | none | 2 | 61.5 ± 0.7 |" in text
    assert "svg" not in text


def test_junit_tells_failures_from_what_waited_for_them(evidence: Evidence) -> None:
    run = evidence.runs[0]
    failed = replace(run.steps["train-final"], status="failed", error="exit code 1\n\x1b[31mboom")
    blocked = replace(run.steps["score-final"], status="blocked", record=None)
    steps = {**run.steps, "train-final": failed, "score-final": blocked}
    broken = replace(run, status="failed", steps=steps, scores={})
    suites = ET.fromstring(junit.render(replace(evidence, runs=(broken, evidence.runs[1]))))
    first, second = suites.findall("testsuite")
    assert (first.get("tests"), first.get("failures"), first.get("skipped")) == ("5", "1", "1")
    failure = first.find("testcase[@name='train-final']/failure")
    assert failure is not None
    assert failure.get("message") == "exit code 1"
    assert failure.text == "exit code 1\nboom"
    assert first.find("testcase[@name='score-final']/skipped") is not None
    assert first.find("properties") is None
    assert second.find("properties/property[@name='J']").get("value") == "62.00"  # type: ignore[union-attr]
    assert second.find("testcase[@name='train-cam']").get("time") == "3600.000"  # type: ignore[union-attr]
