"""What the paper's runs take on 1 to 256 GPUs: plans are replayed, so no machine matters."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from harness.commands import plan as verbs
from harness.commands.context import Context
from harness.commands.forecast import forecast
from harness.commands.where import Where
from harness.measured.simulation import Simulation, simulate
from harness.plan.make import Ask

SEEDS = (5, 10, 20, 50)
FLEETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def fleets(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Each number of seeds: what all methods with all losses take on each number of GPUs."""
    for seeds in SEEDS[:1] if quick else SEEDS:
        found = _simulated(seeds)
        yield {
            "seeds": seeds,
            "runs": found.runs,
            "steps": found.steps,
            "gpu_hours": round(found.gpu_hours, 1),
            "hours_measured": found.hours_measured,
            "enough_gpus": found.enough_gpus,
            "fleets": [asdict(fleet) for fleet in found.fleets],
        }


def path() -> Iterator[dict[str, Any]]:
    """The steps of the critical path, which is the same for any number of seeds."""
    found = _simulated(SEEDS[0]).critical_path
    assert found is not None
    for step in found.steps:
        yield {"run": found.run, **asdict(step)}


@cache
def _simulated(seeds: int) -> Simulation:
    """Of a folder with nothing done in it and no measurement: the manifests' estimates."""
    with tempfile.TemporaryDirectory() as runs:
        context = Context.open(Where(runs=Path(runs)))
        ask = Ask(methods=("all",), seed=tuple(range(1, seeds + 1)))
        plan = verbs.plan(context, ask)
        todo = verbs.look(context, plan)
        return simulate(plan, todo, forecast(context, plan, todo).figures, FLEETS)
