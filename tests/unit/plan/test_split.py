"""Shards: what may be declared, how lists are split, which keys the parts have."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.manifest.load import load_catalogue, load_method, method_names
from harness.manifest.model import Shards
from harness.manifest.shardable import fault_of
from harness.plan.plan import BoundStep
from harness.plan.split import cut, lists, split
from harness.readers.id_lists import parse
from tests import golden, toy

PNG = {"kind": "png-labels", "ids": "{in.ids}/all.txt"}


def sharded(**changes: Any) -> dict[str, Any]:
    return {
        "name": "label",
        "stage": 3,
        "about": "label",
        "argv": ["python", "label.py", "{in.lines}/all.txt", "{out}/labels"],
        "inputs": {"lines": "steps.data.data", "ids": "steps.data.data", "voc": "assets.voc"},
        "outputs": {"labels": {"path": "labels", "contract": PNG}},
        "shards": {"by": "{in.lines}/all.txt", "max": 4},
    } | changes


def bound() -> BoundStep:
    """The sharded step in a plan of the toy."""
    step = sharded(inputs={"lines": "steps.data.data", "ids": "steps.data.data"})
    plan = toy.plan(toy.method(steps=[_whole(toy.STEPS[0]), _whole(step)]))
    return next(step for step in plan.steps.values() if step.name == "label")


def _whole(step: dict[str, Any]) -> dict[str, Any]:
    return {
        "threads": {"paper": 1, "smoke": 1},
        "resources": {"paper": {"cpus": 1, "memory_gb": 1}},
    } | step


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stochastic": True}, "other numbers"),
        ({"outputs": {"m": {"path": "m", "contract": {"kind": "state-dict"}}}}, "'state-dict'"),
        (
            {"outputs": {"m": {"path": "m", "contract": {"kind": "npy-ratios", "ids": "{in.ids}/a"}}}},
            "'npy-ratios'",
        ),
        ({"shards": {"by": "{in.voc}/all.txt", "max": 2}}, "no list of a step"),
        ({"shards": {"by": "{in.nothing}/all.txt", "max": 2}}, "no list of a step"),
        (
            {"outputs": {"m": {"path": "m", "contract": PNG | {"ids": "{in.voc}/all.txt"}}}},
            "no list of a step",
        ),
    ],
)  # fmt: skip
def test_shards_that_cannot_work_are_refused(changes: dict[str, Any], words: str) -> None:
    (step,) = toy.method(steps=[_whole(sharded(**changes))]).steps
    fault = fault_of(step)
    assert fault is not None
    assert words in fault.what


def test_a_step_of_one_file_per_id_may_be_sharded() -> None:
    (step,) = toy.method(steps=[_whole(sharded())]).steps
    assert fault_of(step) is None
    assert fault_of(dataclasses.replace(step, shards=None, stochastic=True)) is None


@pytest.mark.parametrize("by", ["lines/all.txt", "/in/lines/all.txt", "{p.x}/all.txt", "{out}/x"])
def test_what_is_split_is_in_an_input(by: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Shards(by=by, max=2)


def test_every_list_that_an_output_names_is_cut_too() -> None:
    assert lists(bound()) == ("{in.lines}/all.txt", "{in.ids}/all.txt")


@given(st.integers(0, 30), st.integers(1, 9))
def test_parts_are_even_disjoint_and_whole(number: int, count: int) -> None:
    step = bound()
    ids = [f"id{n}" for n in range(number)]
    parts = split(step, ids, count)
    if min(count, number) <= 1:
        assert parts == ()
        return
    shares = [part.shard.ids for part in parts if part.shard]
    assert len(parts) == len(shares) == min(count, 4, number)
    assert [name for share in shares for name in share] == ids
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert len({step.key, *(part.key for part in parts)}) == len(parts) + 1
    assert split(step, ids, count) == parts


def test_the_number_of_parts_is_not_in_the_key_of_equal_shares() -> None:
    step = bound()
    assert split(step, ["a", "b"], 2)[0].key == split(step, ["a", "c", "d"], 3)[0].key


def test_a_cut_list_keeps_its_lines() -> None:
    lines = "/JPEGImages/a.jpg /Masks/a.png\n\n/JPEGImages/b.jpg /Masks/b.png\n/JPEGImages/c.jpg /Masks/c.png"
    assert (
        cut(parse(lines), ["c", "a"])
        == "/JPEGImages/a.jpg /Masks/a.png\n/JPEGImages/c.jpg /Masks/c.png\n"
    )
    assert cut(parse("a\nb\n"), ["b"]) == "b\n"


def test_all_long_steps_of_one_file_per_id_of_the_methods_are_sharded() -> None:
    catalogue = load_catalogue(golden.PROJECT)
    methods = (
        load_method(golden.PROJECT, name, catalogue) for name in method_names(golden.PROJECT)
    )
    found = {f"{m.method}/{step.name}" for m in methods for step in m.steps if step.shards}
    assert {"seam/infer-cam", "seam/infer-aff", "mctformer/infer-cam", "pmm/cyclic-labels"} <= found


def test_shards_change_no_key() -> None:
    step = bound()
    plain = sharded(inputs={"lines": "steps.data.data", "ids": "steps.data.data"}, shards=None)
    plan = toy.plan(toy.method(steps=[_whole(toy.STEPS[0]), _whole(plain)]))
    assert step.key in plan.steps
