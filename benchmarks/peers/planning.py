"""Time to plan against the number of runs: all methods of the paper, more and more seeds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import median_seconds
from harness.commands import plan as verbs
from harness.commands.context import Context
from harness.commands.forecast import forecast
from harness.commands.where import Where
from harness.measured.simulation import simulate
from harness.plan.make import Ask
from harness.plan.plan import Plan

_FLEETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def rows(*, quick: bool) -> Iterator[dict[str, Any]]:
    """For each number of seeds: seconds to plan, to look what is done, and to replay."""
    with tempfile.TemporaryDirectory() as runs:
        context = Context.open(Where(runs=Path(runs)))
        for seeds in (1, 2) if quick else (5, 10, 20, 50):
            yield _row(context, seeds, 1 if quick else 5)


def _row(context: Context, seeds: int, repeat: int) -> dict[str, Any]:
    ask = Ask(methods=("all",), seed=tuple(range(1, seeds + 1)))
    plan = verbs.plan(context, ask)
    todo = verbs.look(context, plan)
    figures = forecast(context, plan, todo).figures
    return {
        "runs": len(plan.runs),
        "steps": len(plan.steps),
        "plan": median_seconds(lambda: _planned(context, ask), repeat),
        "look": median_seconds(lambda: verbs.look(context, plan), repeat),
        "simulate": median_seconds(lambda: simulate(plan, todo, figures, _FLEETS), repeat),
    }


def _planned(context: Context, ask: Ask) -> Plan:
    return verbs.plan(context, ask)
