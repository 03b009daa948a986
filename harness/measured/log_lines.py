"""The lines that the processes of a rehearsed step print into its log (`site/hooks/measure.py`).

A log is a step's text, so anything may stand in it: what is no such line, or is too long, does not
count, nor do more lines than a step has processes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from harness.measured.measurement import Memory, Number, Seconds

_MARK = b"harness-measure: "
_LONGEST = 4096  # bytes of a line
_MOST = 1000  # lines
_CONFIG = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, kw_only=True, slots=True, config=_CONFIG)
class ProcessReport:
    """What one process found of itself; the hook says what each field is."""

    seconds: Seconds
    open_files: Number
    shm_gb: Memory
    steps: Number = 0
    first_step: Seconds | None = None
    last_step: Seconds | None = None
    step_seconds: Seconds | None = None
    gpu_seconds: Seconds | None = None
    warm: bool = False
    allocated_gb: Memory | None = None
    reserved_gb: Memory | None = None
    error: Annotated[str, Field(max_length=_LONGEST)] | None = None


_REPORT = TypeAdapter(ProcessReport)


def process_reports(log: Path) -> tuple[ProcessReport, ...]:
    """The reports in a log, in order; none if there is no log."""
    if not log.is_file():
        return ()
    return tuple(_reports(log))


def _reports(log: Path) -> Iterator[ProcessReport]:
    left = _MOST
    with log.open("rb") as file:
        while left and (line := file.readline(_LONGEST)):
            if not line.startswith(_MARK):
                continue
            left -= 1
            try:
                yield _REPORT.validate_json(line.removeprefix(_MARK))
            except ValidationError:
                continue  # a text of the step that begins as ours do
