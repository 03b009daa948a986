"""From measurements to what steps of a plan take at paper scale, and from where each figure is."""

import dataclasses

import pytest

from harness.manifest.model import Losses, Scale
from harness.measured.choice import Shelf
from harness.measured.extrapolate import paper_disk_gb, paper_hours
from harness.measured.figures import (
    ESTIMATE,
    figures_of,
    step_figures,
    with_figures,
    with_gpu_memory,
)
from harness.measured.measurement import Measurement, Rate, Written
from harness.plan.work import BoundWork
from tests.measured import CARD, CPU, measurement, plan, run, step

SOURCE = "measured on Test GPU 80GB on 2026-11-30"


def paper_run(losses: Losses = Losses.BOTH):  # type: ignore[no-untyped-def]
    return run(losses, Scale.PAPER)


def test_hours_of_a_training() -> None:
    work = BoundWork(iterations=3305)
    # 70 s less 10 x 0.5 s is there once, 5 s of them at the end
    assert paper_hours(measurement("train-cam"), work) == pytest.approx((65 + 3305 * 0.5) / 3600)


def test_hours_of_a_training_that_evaluates_pictures() -> None:
    work = BoundWork(iterations=100, evaluations=10, evaluated=1449)
    one = measurement("train-cam", evaluated=8)  # in 5 s
    expected = 60 + 100 * 0.5 + 5 * 10 * 1449 / 8
    assert paper_hours(one, work) == pytest.approx(expected / 3600)
    once = measurement("train-cam", evaluated=0)  # nothing to go by
    assert paper_hours(once, work) == pytest.approx((65 + 100 * 0.5) / 3600)


def test_hours_of_pictures() -> None:
    rate = Rate(unit="picture", done=8, seconds=2.0)
    one = measurement("infer-cam", rate=rate)
    assert paper_hours(one, BoundWork(pictures=10582)) == pytest.approx((54 + 10582 * 2) / 3600)


def test_no_hours_without_a_rate_or_a_count() -> None:
    assert paper_hours(measurement("train-cam", rate=None), BoundWork(iterations=10)) is None
    assert paper_hours(measurement("train-cam"), BoundWork()) is None
    assert paper_hours(measurement("train-cam"), BoundWork(pictures=10)) is None  # another unit


def test_disk_grows_with_the_files_of_pictures_only() -> None:
    outputs = {"labels": Written(files=8, bytes=2**30), "logits": Written(files=8, bytes=2**33)}
    found = paper_disk_gb(
        measurement("predict-deeplab", outputs=outputs), step("predict-deeplab", Scale.PAPER)
    )
    assert found == {"labels": 1449 / 8, "logits": 1449.0}
    weights = {"weights": Written(files=1, bytes=2**29), "gone": Written(files=1, bytes=1)}
    assert paper_disk_gb(
        measurement("train-cam", outputs=weights), step("train-cam", Scale.PAPER)
    ) == {"weights": 0.5}


def test_without_measurements_all_is_estimated() -> None:
    one = step("train-cam", Scale.PAPER)
    found = step_figures(one, paper_run(), Shelf.of([]))
    assert (found.hours, found.gpu_memory_gb, found.sources) == (1.5, 18, (ESTIMATE,))
    assert found.least_gpu_memory_gb is None
    assert found.disk_gb == {"weights": 0.1}


def test_a_measured_step() -> None:
    shelf = Shelf.of([measurement("train-cam")])
    found = step_figures(step("train-cam", Scale.PAPER), paper_run(), shelf)
    assert found.hours == pytest.approx((65 + 3305 * 0.5) / 3600)
    assert (found.gpu_memory_gb, found.least_gpu_memory_gb) == (21.0, 16.5)
    assert found.disk_gb == {"weights": 1.0}
    assert found.sources == (SOURCE,)
    other = step_figures(step("infer-cam", Scale.PAPER), paper_run(), shelf)
    assert other.sources == (ESTIMATE,)


def test_a_rehearsal_on_a_cpu_gives_disk_and_no_times() -> None:
    one = measurement("train-cam", scale=Scale.REHEARSAL_CPU, place=CPU, peak_gpu_memory_gb=None)
    found = step_figures(step("train-cam", Scale.PAPER), paper_run(), Shelf.of([one]))
    assert (found.hours, found.hours_from) == (1.5, ESTIMATE)
    assert (found.gpu_memory_gb, found.gpu_memory_from) == (18, ESTIMATE)
    assert found.disk_gb == {"weights": 1.0}
    assert found.disk_from == "measured on Test CPU on 2026-11-30"


def test_a_plan_of_a_rehearsal_takes_measured_memory_alone() -> None:
    found = step_figures(step("train-cam"), run(), Shelf.of([measurement("train-cam")]))
    assert found.hours_from == found.disk_from == ESTIMATE
    assert found.least_gpu_memory_gb == 16.5


def named(**changes: object) -> Measurement:
    return measurement("train-cam", **changes)


OLD, NEW = "2026-01-01T00:00:00+00:00", "2026-12-01T00:00:00+00:00"
OTHER_CARD = dataclasses.replace(CARD, gpu="Other GPU")


@pytest.mark.parametrize(
    ("kept", "cards", "chosen"),
    [
        ([named(ended=NEW), named(ended=OLD)], [], 0),
        ([named(ended=OLD), named(ended=NEW)], [], 1),
        ([named(ended=OLD), named(ended=NEW, losses=Losses.NONE)], [], 0),
        ([named(ended=OLD), named(ended=NEW, backbone="res38")], [], 0),
        ([named(ended=NEW), named(ended=OLD, place=OTHER_CARD)], ["Other GPU"], 1),
        ([named(stack="cu130")], [], None),  # another torch
        ([named(method="seam")], [], None),
        ([named(step="train-irn")], [], None),
        ([named(scale=Scale.SMOKE)], [], None),
    ],
)
def test_the_likest_measurement(
    kept: list[Measurement], cards: list[str], chosen: int | None
) -> None:
    found = Shelf.of(kept, cards).timed(step("train-cam", Scale.PAPER), paper_run())
    assert found is (None if chosen is None else kept[chosen])


def test_only_measured_memory_refuses() -> None:
    paper = plan(scale=Scale.PAPER)
    refusing = with_gpu_memory(paper, figures_of(paper, Shelf.of([measurement("train-cam")])))
    for key, one in paper.steps.items():
        now = refusing.steps[key].resources
        if one.name == "train-cam":
            assert (now.gpu_memory_gb, now.gpu_memory_measured) == (
                16.5,
                "Test GPU 80GB on 2026-11-30",
            )
        else:
            assert now == one.resources
    assert refusing.id == paper.id


def test_what_is_shown_counts_measured_hours_and_disk() -> None:
    paper = plan(scale=Scale.PAPER)
    figures = figures_of(paper, Shelf.of([measurement("train-cam")]))
    shown = with_figures(paper, figures)
    found = {one.name: one.resources for one in shown.steps.values()}
    assert found["train-cam"].disk_gb == 1.0
    assert found["infer-cam"] == step("infer-cam", Scale.PAPER).resources
