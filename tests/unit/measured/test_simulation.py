"""Simulations of real plans: what they total, which steps are critical, how disk fills and empties."""

import dataclasses
import json
from collections.abc import Collection, Mapping

import pytest

from benchmarks import scale
from harness.commands.forecast import Forecast
from harness.commands.simulate import parse_fleets, simulation
from harness.errors import UsageError
from harness.manifest.model import Scale
from harness.measured.choice import Shelf
from harness.measured.disk_use import disk_use, peak_disk_gb
from harness.measured.figures import Figures, figures_of
from harness.measured.outlook import outlook_of
from harness.measured.replay import replay
from harness.measured.simulation import Simulation, simulate
from harness.measured.tasks import tasks_of
from harness.plan.needs import Todo, needs_of, todo_of
from harness.plan.plan import BoundInput, BoundStep, Plan
from harness.shapes.simulation import (
    FLEET_COLUMNS,
    PATH_COLUMNS,
    fleet_row,
    path_rows,
    simulation_document,
    simulation_notes,
)
from tests import golden, measured


class Empty:
    """A store with nothing in it."""

    def recorded(self, key: str) -> bool:
        return False

    def there(self, key: str, path: str) -> bool:
        return False


class Done(Empty):
    """A store in which these steps are done and every output is there."""

    def __init__(self, keys: Collection[str]) -> None:
        self.keys = keys

    def recorded(self, key: str) -> bool:
        return key in self.keys

    def there(self, key: str, path: str) -> bool:
        return key in self.keys


def paper(*measurements: str) -> tuple[Plan, Todo, Mapping[str, Figures]]:
    plan = measured.plan(scale=Scale.PAPER)
    shelf = Shelf.of([measured.measurement(name) for name in measurements])
    return plan, todo_of(needs_of(plan), Empty()), figures_of(plan, shelf)


def test_one_gpu_takes_all_gpu_hours_and_never_idles_for_long() -> None:
    found = simulate(*paper(), [1])
    (fleet,) = found.fleets
    assert found.gpu_hours == pytest.approx(446)
    assert fleet.hours >= fleet.least_hours == pytest.approx(446)
    assert fleet.utilisation == pytest.approx(found.gpu_hours / fleet.hours)
    assert fleet.peak_gpus == 1
    assert (found.runs, found.steps, found.gpu_steps, found.hours_measured) == (20, 282, 120, 0)


def test_critical_path_names_the_longest_chain() -> None:
    path = simulate(*paper(), [1]).critical_path
    assert path
    assert path.run == "sipe res101, losses none, seed 1"
    assert [step.name for step in path.steps][-3:] == [
        "predict-deeplab", "crf-deeplab", "score-deeplab",
    ]  # fmt: skip
    assert path.hours == pytest.approx(sum(step.hours for step in path.steps))


def test_measured_hours_count_in_place_of_estimates() -> None:
    found = simulate(*paper("train-irn"), [20])
    assert found.hours_measured == 20
    assert found.critical_path
    named = {step.name: step for step in found.critical_path.steps}
    assert named["train-irn"].hours_from == "measured on Test GPU 80GB on 2026-11-30"
    assert named["infer-irn"].hours_from == "estimate"
    assert any(line.startswith("measured hours: ") for line in simulation_notes(found))


def test_enough_gpus_reach_the_critical_path() -> None:
    given = paper()
    enough = simulate(*given, [1]).enough_gpus
    fewer, reached, more = simulate(*given, [enough - 1, enough, 4 * enough]).fleets
    assert fewer.hours > fewer.least_hours
    assert reached.hours == pytest.approx(reached.least_hours)
    assert more.hours == pytest.approx(reached.hours)


def test_fleets_come_sorted_and_once() -> None:
    assert [fleet.gpus for fleet in simulate(*paper(), [4, 1, 4]).fleets] == [1, 4]


def test_what_is_done_is_not_replayed() -> None:
    plan, _, figures = paper()
    todo = todo_of(needs_of(plan), Done([k for k, s in plan.steps.items() if s.stage <= 6]))
    found = simulate(plan, todo, figures, [8])
    assert found.steps == len(todo.open) < len(plan.steps)
    assert found.critical_path
    assert found.critical_path.steps[0].stage > 6
    nothing = simulate(plan, todo_of(needs_of(plan), Done(plan.steps)), figures, [8])
    assert (nothing.steps, nothing.critical_path, nothing.enough_gpus) == (0, None, 0)
    assert (nothing.fleets[0].hours, nothing.fleets[0].utilisation) == (0, 0)
    assert len(list(simulation_notes(nothing))) == 1


def test_a_step_wider_than_the_fleet_is_refused() -> None:
    plan, todo, figures = paper()
    steps = {
        key: dataclasses.replace(step, resources=dataclasses.replace(step.resources, gpus=4))
        if step.name in {"train-final", "train-deeplab"}
        else step
        for key, step in plan.steps.items()
    }
    with pytest.raises(UsageError, match=r"--simulate 2: step train-\w+ .* needs 4 GPUs at once"):
        simulate(dataclasses.replace(plan, steps=steps), todo, figures, [2, 8])


def test_steps_are_replayed_as_the_outlook_replays_them() -> None:
    plan, todo, figures = paper()
    outlook = outlook_of(plan, todo.open, figures)
    fleets = simulate(plan, todo, figures, list(outlook.calendar_hours)).fleets
    assert {fleet.gpus: fleet.hours for fleet in fleets} == outlook.calendar_hours


def chain(*retained: str) -> Plan:
    """Steps one after another, each with an output of 10 GB that the next one reads."""
    one = measured.step("infer-cam", Scale.PAPER)
    output = next(iter(one.outputs.values()))
    steps: dict[str, BoundStep] = {}
    for number, retain in enumerate(retained):
        parent = BoundInput(kind="step", ref=str(number - 1), path="out", target="/in/x")
        steps[str(number)] = dataclasses.replace(
            one,
            key=str(number),
            inputs={"x": parent} if number else {},
            outputs={"out": dataclasses.replace(output, path="out", retain=retain, disk_gb=10)},
            resources=dataclasses.replace(one.resources, hours=1, disk_gb=12),
        )
    return Plan(runs=measured.plan(scale=Scale.PAPER).runs, steps=steps)


GOES, STAYS = "consumers", "always"


@pytest.mark.parametrize(
    ("retained", "done", "peak", "kept"),
    [
        ((), (), 0, 0),
        ((GOES,), (), 12, 12),
        ((GOES, GOES), (), 22, 22),
        ((GOES, GOES, GOES), (), 22, 32),  # two outputs there beside one that is being written
        ((STAYS, STAYS, STAYS), (), 32, 32),
        ((STAYS, GOES, GOES, GOES), (), 32, 42),
        ((GOES, GOES, GOES), ("0",), 22, 32),  # what the second reads is there from the beginning
        ((GOES, GOES, GOES), ("0", "1"), 22, 22),  # the first output has gone already
        ((STAYS, GOES, GOES), ("0", "1"), 32, 32),
        ((GOES, GOES), ("0", "1"), 10, 10),  # what the plan ends in
    ],
)
def test_disk_fills_while_steps_run_and_empties_when_they_were_read(
    retained: tuple[str, ...], done: tuple[str, ...], peak: float, kept: float
) -> None:
    plan = chain(*retained)
    todo = todo_of(needs_of(plan), Done(done))
    schedule = replay(tasks_of(todo.steps(plan)), 1)
    use = disk_use(plan, todo)
    assert peak_disk_gb(use, schedule) == peak
    assert peak_disk_gb(use, schedule, keep=True) == kept


def test_one_step_after_another_takes_the_disk_that_the_plan_says() -> None:
    plan, todo, _ = paper()
    schedule = replay([dataclasses.replace(one, gpus=1) for one in tasks_of(todo.steps(plan))], 1)
    assert peak_disk_gb(disk_use(plan, todo), schedule, keep=True) == plan.peak_disk_gb(keep=True)


@pytest.mark.parametrize(
    ("text", "fleets"),
    [
        ("8", (8,)),
        ("1,2, 8", (1, 2, 8)),
        ("1-256", (1, 2, 4, 8, 16, 32, 64, 128, 256)),
        ("3-13", (3, 6, 12, 13)),
        ("4-4", (4,)),
        ("1-4,6", (1, 2, 4, 6)),
    ],
)
def test_fleets_are_read(text: str, fleets: tuple[int, ...]) -> None:
    assert parse_fleets(text) == fleets


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1-", "8-2", "1,,2", "x", "1.5", "70000", "²", "1_0"]
)
def test_other_text_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_fleets(text)
    assert f"--simulate {text}: " in str(refused.value)
    assert "--simulate 1-256" in refused.value.hint


def test_hours_of_other_scales_say_nothing() -> None:
    plan = golden.plan(["sipe"], Scale.SMOKE, "res101")
    todo = todo_of(needs_of(plan), Empty())
    figures = figures_of(plan, Shelf.of([]))
    ahead = Forecast(figures, outlook_of(plan, todo.open, figures))
    with pytest.raises(UsageError, match="--simulate at scale smoke"):
        simulation(plan, todo, ahead, [1])


def shown() -> tuple[Plan, Simulation]:
    given = paper()
    return given[0], simulate(*given, [1, 64])


def test_rows_have_a_cell_for_each_column() -> None:
    _, found = shown()
    assert found.critical_path
    first, last = map(fleet_row, found.fleets)
    assert len(first) == len(last) == len(FLEET_COLUMNS)
    assert (first[0], first[2], last[0]) == ("1", "18.6 days", "64")
    assert all(len(row) == len(PATH_COLUMNS) for row in path_rows(found.critical_path))


def test_notes_say_what_is_estimated_and_when_more_gpus_do_not_help() -> None:
    _, found = shown()
    notes = list(simulation_notes(found))
    assert notes[0] == "20 runs, 282 steps to do, 446 GPU-hours (estimate)"
    assert f"{found.enough_gpus} GPU(s) reach it, and more do not help" in notes[1]


def test_a_plan_without_gpus_is_told_so() -> None:
    plan, todo, figures = paper()
    steps = {
        key: dataclasses.replace(step, resources=dataclasses.replace(step.resources, gpus=0))
        for key, step in plan.steps.items()
    }
    found = simulate(dataclasses.replace(plan, steps=steps), todo, figures, [2])
    assert "critical path: 24.4 hours; no step needs a GPU" in list(simulation_notes(found))
    assert found.fleets[0].utilisation == 0


def test_document_is_plain() -> None:
    plan, found = shown()
    document = simulation_document(plan, found)
    assert document["plan"] == plan.id
    assert document["critical_path"]["steps"][0].keys() == {
        "key", "name", "stage", "gpus", "hours", "hours_from",
    }  # fmt: skip
    assert [fleet["gpus"] for fleet in document["fleets"]] == [1, 64]


def test_documented_figures_are_those_of_the_manifests() -> None:
    kept = json.loads((golden.PROJECT.root / "benchmarks/results/fleets-replayed.json").read_text())
    found = next(scale.fleets(quick=True))
    assert found == kept["rows"][0], "if meant: python -m benchmarks --only scale"
