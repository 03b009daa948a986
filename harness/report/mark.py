"""What a written report rests on, noted in it, so that an equal one is not drawn again."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from harness import __version__
from harness.evidence.evidence import Evidence, RunEvidence
from harness.plan import keys

_BEGIN, _END = "<!-- rests on ", " -->\n"
_BYTES = len(_BEGIN) + 64 + len(_END)


def mark(every: Evidence, shown: Collection[str]) -> str:
    """The hash of all that changes a report: its runs, and every run that a verdict counts."""
    runs = [_content(run) for run in every.runs]
    return keys.digest([__version__, sorted(shown), runs, list(every.damage)])


def marked(page: str, mark: str) -> str:
    """A page with its mark."""
    return f"{page.rstrip()}\n{_BEGIN}{mark}{_END}"


def has_mark(file: Path, mark: str) -> bool:
    """Whether a report is there and has this mark."""
    try:
        with file.open("rb") as page:
            page.seek(-_BYTES, os.SEEK_END)
            return page.read() == marked("", mark).lstrip().encode()
    except OSError:  # none is there, or it is shorter than a mark
        return False


def _content(run: RunEvidence) -> list[Any]:
    scores = {label: [one.J, one.F, one.images] for label, one in run.scores.items()}
    steps = {name: step.key for name, step in run.steps.items()}
    code = run.record.get("code")
    return [run.id, run.status, steps, scores, run.test_score, code]
