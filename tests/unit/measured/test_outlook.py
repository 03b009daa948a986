"""Totals: calendar time on N GPUs, the smallest card, and how much of it was measured."""

import dataclasses
import re

import pytest

from harness.manifest.model import Resources, Scale
from harness.measured.choice import Shelf
from harness.measured.figures import figures_of
from harness.measured.outlook import calendar_hours, outlook_of
from harness.measured.summary import arms_of, jobs_of, measured_in, stages_of
from harness.measured.text import basis_values, job_cells, outlook_values, stage_cells
from harness.plan.plan import BoundInput, BoundStep
from tests.measured import CPU, measurement, plan, step


def chain(*steps: tuple[str, float, int, str]) -> list[BoundStep]:
    """Steps of (key, hours, GPUs, keys of its parents)."""
    one = step("score-cam")
    return [
        dataclasses.replace(
            one,
            key=key,
            resources=Resources(gpus=gpus, hours=hours),
            inputs={
                parent: BoundInput(kind="step", ref=parent, path=".", target="/in/x")
                for parent in parents.split()
            },
        )
        for key, hours, gpus, parents in steps
    ]


@pytest.mark.parametrize(
    ("steps", "cards", "hours"),
    [
        ([], 1, 0.0),
        ([("a", 2, 1, ""), ("b", 3, 1, "a")], 8, 5.0),
        ([("a", 2, 1, ""), ("b", 3, 1, "")], 1, 5.0),
        ([("a", 2, 1, ""), ("b", 3, 1, "")], 2, 3.0),
        ([("a", 2, 0, ""), ("b", 3, 0, ""), ("c", 1, 1, "")], 1, 3.0),  # CPUs are no limit
        ([("a", 1, 1, ""), ("b", 4, 0, "a"), ("c", 2, 1, "")], 1, 5.0),  # c beside b
        ([("a", 1, 2, ""), ("b", 4, 1, ""), ("c", 4, 1, "")], 2, 5.0),
        ([("b", 3, 1, "done before")], 1, 3.0),  # parents that are no longer to do
    ],
)
def test_calendar_time(steps: list[tuple[str, float, int, str]], cards: int, hours: float) -> None:
    assert calendar_hours(chain(*steps), cards) == hours


def values(*kept: str) -> list[tuple[str, str]]:
    paper = plan(scale=Scale.PAPER)
    figures = figures_of(paper, Shelf.of([measurement(name) for name in kept]))
    outlook = outlook_of(paper, paper.steps, figures, ("x is damaged",))
    jobs = jobs_of(paper, paper.steps, figures)
    return [*outlook_values(outlook), *basis_values(outlook, jobs)]


def test_values_say_what_is_estimated() -> None:
    found = dict(values())
    assert found["GPU-hours"] == "446 (estimate)"
    assert found["calendar time"].startswith("18.7 days on 1 GPU, ")
    assert found["disk"].endswith("with --keep (estimate)")
    assert found["smallest GPU"] == "40 GB, for train-irn of sipe: 36 GB (estimate)"
    assert found["left out"] == "x is damaged"
    assert len(found) == 5


def test_values_say_what_was_measured() -> None:
    found = dict(values("train-cam", "train-irn"))
    assert "(40 of 282 steps measured)" in found["disk"]
    assert "(40 of 120 steps measured)" in found["GPU-hours"]
    card = "24 GB, for train-cam of sipe: 21 GB (measured on Test GPU 80GB on 2026-11-30)"
    assert found["smallest GPU"] == card
    assert found["measured"] == "on Test GPU 80GB on 2026-11-30: train-cam, train-irn"
    assert found["measured hours"].startswith("start and end once")


def test_a_row_for_each_step() -> None:
    paper = plan(scale=Scale.PAPER)
    figures = figures_of(paper, Shelf.of([measurement("train-cam")]))
    jobs = jobs_of(paper, paper.steps, figures)
    rows = {row[0]: row for row in map(job_cells, jobs)}
    assert rows["train-cam"] == (
        "train-cam", "2", "20", "0", "20", "0.477", "9.542", "21 GB", "1 GB", "measured",
    )  # fmt: skip
    assert rows["infer-ir"][5:] == ("1.5", "-", "-", "0.1 GB", "estimate")
    assert rows["lists"][2:6] == ("1", "0", "1", "0.01")
    assert [job.stage for job in jobs] == sorted(job.stage for job in jobs)


def test_a_row_for_each_arm_and_stage() -> None:
    paper = plan(scale=Scale.PAPER)
    figures = figures_of(paper, Shelf.of([]))
    todo = {key for key, one in paper.steps.items() if one.name != "train-cam"}
    arms = arms_of(paper, todo, figures)
    assert [(arm.losses, arm.runs) for arm in arms] == [
        (losses, 5) for losses in ("none", "isl", "fsl", "isl+fsl")
    ]
    assert all((arm.load.done, arm.load.todo) == (5, arm.load.steps - 5) for arm in arms)
    stages = stages_of(jobs_of(paper, todo, figures))
    assert sum(stage.load.steps for stage in stages) == len(paper.steps)
    assert sum(stage.load.done for stage in stages) == 20
    total = outlook_of(paper, todo, figures)
    hours = sum(stage.load.gpu_hours for stage in stages)
    assert hours == pytest.approx(total.gpu_hours)
    assert sum(arm.load.gpu_hours for arm in arms) == pytest.approx(hours)  # they share none
    assert stage_cells(stages[1])[:6] == ("2", "train-cam", "20", "20", "0", "1.5")


def test_what_was_measured_in_part_names_its_figures() -> None:
    paper = plan(scale=Scale.PAPER)
    one = measurement("train-cam", scale=Scale.REHEARSAL_CPU, place=CPU, peak_gpu_memory_gb=None)
    jobs = jobs_of(paper, paper.steps, figures_of(paper, Shelf.of([one])))
    assert measured_in(jobs) == {"measured on Test CPU on 2026-11-30": {"train-cam": ["disk"]}}
    assert {job.step: job_cells(job)[-1] for job in jobs}["train-cam"] == "partly"


def test_a_card_that_nobody_sells() -> None:
    paper = plan(scale=Scale.PAPER)
    one = measurement("train-cam", peak_gpu_memory_gb=400.0)
    found = outlook_of(paper, paper.steps, figures_of(paper, Shelf.of([one])))
    assert found.card is not None
    assert found.card.sold_gb is None
    text = dict(outlook_values(found))["smallest GPU"]
    assert text.startswith("none that is sold, for train-cam of sipe: 400 GB")


def test_the_cards_at_hand_come_first() -> None:
    paper = plan(scale=Scale.PAPER)
    found = outlook_of(paper, paper.steps, figures_of(paper, Shelf.of([])), cards=2)
    assert re.match(
        r"[\d.]+ days on the 2 GPUs here, 18.7 days on 1 GPU, ",
        dict(outlook_values(found))["calendar time"],
    )


def test_calendar_time_is_also_for_the_cards_at_hand() -> None:
    paper = plan(scale=Scale.PAPER)
    figures = figures_of(paper, Shelf.of([]))
    assert list(outlook_of(paper, paper.steps, figures, cards=3).calendar_hours) == [1, 2, 3, 4, 8]
    assert list(outlook_of(paper, paper.steps, figures).calendar_hours) == [1, 2, 4, 8]
    wide = {key: dataclasses.replace(one, resources=Resources(gpus=2, hours=1))
            for key, one in paper.steps.items()}  # fmt: skip
    two = dataclasses.replace(paper, steps=wide)
    assert list(outlook_of(two, two.steps, figures_of(two, Shelf.of([]))).calendar_hours) == [
        2,
        4,
        8,
    ]


def test_without_gpus_there_is_no_calendar() -> None:
    paper = plan(scale=Scale.PAPER)
    todo = [key for key, one in paper.steps.items() if not one.resources.gpus]
    found = outlook_of(paper, todo, figures_of(paper, Shelf.of([])))
    assert (found.gpu_hours, found.calendar_hours, found.card) == (0, {}, None)
    assert [name for name, _ in outlook_values(found)] == ["disk"]
