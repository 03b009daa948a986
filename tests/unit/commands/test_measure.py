"""What `rehearse` hands to be measured, and hands over."""

from pathlib import Path
from threading import Event
from typing import cast

import pytest

from harness.commands.context import Context
from harness.commands.measure import measuring, share_measurements
from harness.errors import UsageError
from harness.execution.outcome import Outcome, Status
from harness.layout import RunLayout
from harness.manifest.model import Scale
from harness.plan.plan import BoundStep
from harness.store.store import Store
from tests.measured import measurement, plan, record, step


class Place:
    """A context, as far as measuring knows it; its store holds one record for every step."""

    def __init__(self, root: Path) -> None:
        self.layout = RunLayout(root)
        self.store = Store(self.layout)
        self.store.record = lambda _: record()  # type: ignore[method-assign]


def execute(step_: BoundStep, stop: Event, gpus: tuple[str, ...]) -> Outcome:
    return Outcome(status=Status.FAILED if step_.name == "train-irn" else Status.DONE)


def test_done_steps_of_a_rehearsal_are_kept(tmp_path: Path) -> None:
    place = Place(tmp_path)
    run = measuring(cast("Context", place), plan(), execute)
    for name in ("lists", "train-cam", "train-irn"):
        run(step(name), Event(), ())
    (kept,) = (tmp_path / "measured").iterdir()  # no lists, and nothing that failed
    assert kept.name.startswith("sipe-train-cam-")


def test_nothing_else_is_measured(tmp_path: Path) -> None:
    context = cast("Context", Place(tmp_path))
    assert measuring(context, plan(scale=Scale.PAPER), execute) is execute


def test_nothing_to_share_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no step of this rehearsal was measured"):
        share_measurements(tmp_path / "m.json", [])
    assert share_measurements(tmp_path / "m.json", [measurement("train-cam")]) == 1
