"""What processes say of themselves in a log, which may say anything."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.measured.log_lines import ProcessReport, process_reports

GOOD: dict[str, Any] = {"seconds": 9.5, "open_files": 30, "shm_gb": 0.25}
TRAINED = {
    "steps": 10, "first_step": 4.0, "last_step": 8.5, "step_seconds": 0.5, "gpu_seconds": 0.25,
    "warm": True, "allocated_gb": 3.0, "reserved_gb": 4.0,
}  # fmt: skip


def log(folder: Path, *lines: str | bytes) -> Path:
    file = folder / "output.log"
    file.write_bytes(b"\n".join(one.encode() if isinstance(one, str) else one for one in lines))
    return file


def line(**fields: Any) -> str:
    return "harness-measure: " + json.dumps(fields)


def test_reports_among_the_output_of_a_step(tmp_path: Path) -> None:
    file = log(tmp_path, b"\xff\xfe 10%\r20%", line(**GOOD), "Iter 1", line(**GOOD, **TRAINED), "")
    assert process_reports(file) == (ProcessReport(**GOOD), ProcessReport(**GOOD, **TRAINED))
    assert process_reports(tmp_path / "none") == ()


@pytest.mark.parametrize(
    "text",
    [
        "harness-measure: ",
        "harness-measure: {",
        "harness-measure: []",
        line(**GOOD | {"seconds": -1}),
        line(**GOOD | {"seconds": 1e12}),
        line(**GOOD | {"seconds": float("nan")}),
        line(**GOOD | {"shm_gb": float("inf")}),
        line(**GOOD | {"open_files": 2.5}),
        line(**GOOD | {"open_files": "30"}),
        line(**GOOD | {"steps": 10**12}),
        line(**GOOD, extra=1),
        line(seconds=1.0),
        " " + line(**GOOD),
        "x" * 5000 + line(**GOOD),
        line(**GOOD, error="x" * 5000),
        "harness-measure: " + "[" * 4000,
    ],
)
def test_what_is_no_report_does_not_count(tmp_path: Path, text: str) -> None:
    assert process_reports(log(tmp_path, text, line(**GOOD))) == (ProcessReport(**GOOD),)


def test_there_are_no_more_reports_than_processes(tmp_path: Path) -> None:
    assert len(process_reports(log(tmp_path, *[line(**GOOD)] * 1500))) == 1000
