"""The verb `verdict`: what finished runs say about the paper; it reads records and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from harness.commands.context import Context
from harness.evidence.gather import gather
from harness.manifest.load import load_published
from harness.names import choose
from harness.plan import keys
from harness.plan.plan import Plan
from harness.verdict.outlook import Outlook, outlook
from harness.verdict.results import Status, Verdict
from harness.verdict.verdict import judge


class Expected(StrEnum):
    """What every row has to be for exit code 0."""

    REPRODUCED = "reproduced"
    CONSISTENT = "consistent"  # or reproduced


_GOOD = {
    Expected.REPRODUCED: {Status.REPRODUCED},
    Expected.CONSISTENT: {Status.REPRODUCED, Status.CONSISTENT},
}


def verdict(context: Context, words: Sequence[str], paper: str) -> Verdict:
    """Judge by all runs under `runs/`, and keep the rows that are asked for. Raises UsageError."""
    published = load_published(context.project)
    choose(paper, [published.paper["id"]], f"--paper {paper}: unknown", listed="there is")
    return only(judge(gather(context.layout), published), words)


def only(whole: Verdict, words: Sequence[str]) -> Verdict:
    """The rows of methods, or METHOD/BACKBONE; claims about all rows go unless all are asked for.

    Raises UsageError for a word that names no row.
    """
    if not words or "all" in words:
        return whole
    meant = {_meant(whole, word) for word in words}
    rows = tuple(row for row in whole.rows if {row.row.method, row.row.name} & meant)
    names = {row.row.name for row in rows}
    reported = tuple(cell for cell in whole.reported if cell.row in names)
    return replace(whole, rows=rows, claims=(), reported=reported, apart={})


def parse_expected(text: str | None) -> Expected | None:
    """What --expect asks for. Raises UsageError."""
    if text is None:
        return None
    return Expected(choose(text, Expected, f"--expect {text}: unknown"))


def unexpected(found: Verdict, expected: Expected) -> list[str]:
    """The rows that are not as expected, with their verdicts."""
    return [f"{r.row.name}: {r.status}" for r in found.rows if r.status not in _GOOD[expected]]


def document(found: Verdict) -> dict[str, Any]:
    """`verdict --json`."""
    plain: dict[str, Any] = keys.plain(found)
    rows = [
        {
            "name": f"{row['row']['method']}/{row['row']['backbone']}",
            **row,
            "cells": _named(row["cells"]),
            "claims": _named(row["claims"]),
        }
        for row in plain["rows"]
    ]
    reported, claims = _named(plain["reported"]), _named(plain["claims"])
    return {**plain, "rows": rows, "reported": reported, "claims": claims}


def _named(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells and claims with their ids as names."""
    return [{"name": row["id"] if "id" in row else row["number"]["id"], **row} for row in rows]


def plan_outlook(context: Context, plan: Plan) -> Outlook | None:
    """What the seeds of a plan can settle; None where none of it is ever judged."""
    if not plan.scale.judged or any(planned.run.anchor for planned in plan.runs):
        return None
    if not context.project.paper.is_file():  # a project of one's own
        return None
    seeds: dict[tuple[str, str, str], int] = {}
    for planned in plan.runs:
        arm = (planned.run.method, planned.run.backbone, planned.run.losses.value)
        seeds[arm] = seeds.get(arm, 0) + 1
    return outlook(load_published(context.project), seeds)


def _meant(whole: Verdict, word: str) -> str:
    """The method, or METHOD/BACKBONE, that `word` is or begins."""
    methods = [row.row.method for row in whole.rows]
    # After a slash only rows are meant; before it, a method and not one of its rows.
    known = [row.row.name for row in whole.rows] if "/" in word else methods
    unknown = f"{word!r} is in no table of the paper: there is nothing to judge it by"
    listed = "rows of the paper" if "/" in word else "methods of the paper"
    return choose(word, known, unknown, listed=listed)
