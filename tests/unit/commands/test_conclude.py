"""The end of a plan of which nothing is left to do: every step ends as cached, none starts."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.commands.reproduce import conclude
from harness.errors import UsageError
from harness.execution.keeper import Keeper
from harness.execution.outcome import Outcome, Status
from harness.execution.schedule import Progress
from harness.layout import RunLayout
from harness.manifest.model import RuntimeName
from harness.plan.plan import BoundStep
from harness.store.store import Store
from tests import toy
from tests.unit.execution.test_keeper import finish

PLAN = toy.plan()


def work(progress: Progress, *, detach: bool = False) -> Any:
    return SimpleNamespace(progress=progress, detach=detach)


def test_steps_that_are_done_end_and_do_not_start(tmp_path: Path) -> None:
    keeper = Keeper(Store(RunLayout(tmp_path)), PLAN)
    for step in PLAN.steps.values():
        finish(keeper.store, step)
    seen: list[Any] = []

    def ended(step: BoundStep, outcome: Outcome) -> None:
        seen.append((step.key, outcome))

    outcomes = conclude(keeper, work(Progress(planned=seen.append, ended=ended)))
    assert seen == [PLAN, *outcomes.items()]
    assert outcomes == dict.fromkeys(PLAN.steps, Outcome(status=Status.CACHED, seconds=1.0))


def test_what_cannot_be_left_running_is_refused_also_where_nothing_runs(tmp_path: Path) -> None:
    keeper = Keeper(Store(RunLayout(tmp_path)), PLAN)
    assert PLAN.runtime is RuntimeName.PROCESS
    with pytest.raises(UsageError, match="--detach"):
        conclude(keeper, work(Progress(), detach=True))
