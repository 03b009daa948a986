"""How much steps do at paper scale: as the dossiers and scripts count it."""

import pytest

from harness.manifest.model import Scale
from harness.plan.plan import BoundStep
from harness.plan.work import BoundWork
from tests import golden


def steps(method: str, scale: Scale = Scale.PAPER) -> dict[str, BoundStep]:
    return {step.name: step for step in golden.plan([method], scale).steps.values()}


@pytest.mark.parametrize(
    ("method", "step", "expected"),
    [
        ("seam", "train-cam", 8 * 1322),
        ("sipe", "train-irn", 3 * 330),
        ("sipe", "train-deeplab", 20_000),
        ("spatial-bce", "train-phase3", 20 * 881),
        ("mctformer", "train-cam", 60 * 165),
        ("pmm", "train-mc", 20 * 661),
    ],
)
def test_iterations(method: str, step: str, expected: int) -> None:
    work = steps(method)[step].work
    assert (work.unit, work.count) == ("iteration", expected)
    assert steps(method, Scale.SMOKE)[step].work.count == expected  # of the paper, at any scale


def test_the_batch_is_that_of_the_run() -> None:
    assert steps("seam")["train-cam"].work.batch == 8
    assert steps("seam", Scale.SMOKE)["train-cam"].work.batch == 2


def test_pictures_are_those_of_the_list_that_a_contract_names() -> None:
    found = {name: step.work for name, step in steps("sipe").items()}
    assert (found["infer-cam"].unit, found["infer-cam"].count) == ("picture", 10582)
    assert found["predict"].count == 1449
    assert found["infer-ir"].side_by_side
    assert found["lists"] == BoundWork()
    assert steps("mctformer")["predict"].work.count == 1449  # declared


def test_every_training_and_every_step_of_hours_says_its_work() -> None:
    for method in ("seam", "sipe", "spatial-bce", "mctformer", "pmm"):
        for name, step in steps(method).items():
            trained = step.name.startswith("train")
            assert (step.work.iterations > 0) == trained, name
            assert step.work.batch or not trained, name
            assert step.work.unit or step.resources.hours < 0.5, name
