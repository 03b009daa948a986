"""Totals: calendar time on N GPUs, the smallest card, and how much of it was measured."""

import dataclasses

import pytest

from harness.manifest.model import Resources, Scale
from harness.measured.choice import Shelf
from harness.measured.figures import figures_of
from harness.measured.outlook import calendar_hours, outlook_of
from harness.measured.text import outlook_lines, row_rows, step_rows
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


def lines(*kept: str) -> list[str]:
    paper = plan(scale=Scale.PAPER)
    figures = figures_of(paper, Shelf.of([measurement(name) for name in kept]))
    return list(outlook_lines(outlook_of(paper, paper.steps, figures, ("x is damaged",))))


def test_lines_say_what_is_estimated() -> None:
    found = lines()
    assert found[2] == "GPU-hours (estimate): 446"
    assert found[3].startswith("calendar time (estimate): 18.7 days on 1, ")
    assert found[4].startswith("smallest GPU: 40 GB (train-irn of sipe: 36 GB, estimate)")
    assert found[5] == "measurement left out: x is damaged"
    assert len(found) == 6


def test_lines_say_what_was_measured() -> None:
    found = lines("train-cam", "train-irn")
    assert "(40 of 282 steps measured)" in found[0]
    assert found[2].startswith("GPU-hours (40 of 120 steps measured): 4")
    card = "smallest GPU: 24 GB (train-cam of sipe: 21 GB, measured on Test GPU 80GB on 2026-11-30)"
    assert found[4] == card
    assert found[5].startswith("measured hours: start and end once")


def test_rows() -> None:
    paper = plan(scale=Scale.PAPER)
    figures = figures_of(paper, Shelf.of([measurement("train-cam")]))
    rows = {row[1]: row for row in step_rows(paper, paper.steps, figures)}
    assert rows["train-cam"] == (
        "sipe", "train-cam", "20", "0.477", "9.542", "21 GB", "1 GB",
        "measured on Test GPU 80GB on 2026-11-30",
    )  # fmt: skip
    assert rows["infer-ir"][4:6] == ("-", "-")
    assert "lists" not in rows  # minutes, and not measured
    ((method, backbone, hours),) = row_rows(paper, paper.steps, figures)
    assert (method, backbone, float(hours)) == ("sipe", "res101", pytest.approx(425.5, abs=0.1))
    assert step_rows(paper, (), figures) == []


def test_a_row_names_every_source() -> None:
    paper = plan(scale=Scale.PAPER)
    one = measurement("train-cam", scale=Scale.REHEARSAL_CPU, place=CPU, peak_gpu_memory_gb=None)
    rows = {
        row[1]: row for row in step_rows(paper, paper.steps, figures_of(paper, Shelf.of([one])))
    }
    assert rows["train-cam"][-1] == (
        "hours estimate, disk measured on Test CPU on 2026-11-30, GPU memory estimate"
    )


def test_a_card_that_nobody_sells() -> None:
    paper = plan(scale=Scale.PAPER)
    one = measurement("train-cam", peak_gpu_memory_gb=400.0)
    found = outlook_of(paper, paper.steps, figures_of(paper, Shelf.of([one])))
    assert found.card is not None
    assert found.card.sold_gb is None
    assert "smallest GPU: none that is sold (train-cam of sipe: 400 GB" in " ".join(
        outlook_lines(found)
    )


def test_without_gpus_there_is_no_calendar() -> None:
    paper = plan(scale=Scale.PAPER)
    todo = [key for key, one in paper.steps.items() if not one.resources.gpus]
    found = outlook_of(paper, todo, figures_of(paper, Shelf.of([])))
    assert (found.gpu_hours, found.calendar_hours, found.card) == (0, {}, None)
    assert len(list(outlook_lines(found))) == 2
