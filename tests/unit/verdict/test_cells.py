"""The ladder of verdicts, on cells made up for it."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.manifest.paper import Published
from harness.verdict.cells import judge_cells, summary_of
from harness.verdict.results import CellVerdict, Sample, Status
from tests.paper_runs import number, published

BASELINE = number("t6/seam/res38/none/J")
SINGLE = number("t7/seam/res38/reported/none/val")


def one_cell(**changes: Any) -> Published:
    """A paper with one number."""
    return replace(published(), numbers=(replace(BASELINE, **changes),))


def judge_one(paper: Published, values: list[float], seeds: int = 5) -> CellVerdict:
    sample = Sample(dict(enumerate(values, start=1)))
    return judge_cells(paper, lambda _number: sample, seeds)[0]


def five(mean: float, sd: float) -> list[float]:
    return [mean + sd * step / 0.625**0.5 for step in (-1, -0.5, 0, 0.5, 1)]


@pytest.mark.parametrize(
    ("mean", "sd", "status"),
    [
        (63.9, 0.5, Status.REPRODUCED),
        (64.3, 0.2, Status.REPRODUCED),
        (64.7, 0.5, Status.CONSISTENT),
        (65.9, 0.5, Status.NOT_REPRODUCED),
        (61.9, 0.5, Status.NOT_REPRODUCED),
        (65.9, 2.0, Status.CONSISTENT),
        (63.9, 0.0, Status.REPRODUCED),  # all seeds alike
    ],
)
def test_the_ladder(mean: float, sd: float, status: Status) -> None:
    assert judge_one(one_cell(), five(mean, sd)).status == status


def test_a_small_difference_that_is_significant_is_said_to_be_so() -> None:
    # D = 1.2, moved 1.15; SE = √((0.04 + 0.3125)/5) = 0.266, ν = 5: p = 0.008; 1.15 − 0.68 < 1.
    found = judge_one(one_cell(), five(65.1, 0.2))
    assert found.status == Status.CONSISTENT
    assert "significantly different, not shown beyond δ" in found.notes


@pytest.mark.parametrize(
    ("mean", "status"), [(63.9, Status.REPRODUCED), (64.84, Status.REPRODUCED),
                         (64.94, Status.CONSISTENT), (64.99, Status.NOT_REPRODUCED)]
)  # fmt: skip
def test_where_nothing_scatters_rounding_alone_decides(mean: float, status: Status) -> None:
    # δ 1.00: the same where D < 0.95, beyond where D > 1.05.
    paper = one_cell(spread=0.0)
    assert judge_one(paper, [mean] * 5).status == status


@pytest.mark.parametrize("count", range(5))
def test_too_few_seeds_are_incomplete_whatever_they_say(count: int) -> None:
    found = judge_one(one_cell(), [63.9] * count)
    assert found.status == Status.INCOMPLETE
    assert found.notes == (f"{count} of 5 seeds have a score",)
    assert found.comparison is None


def test_one_planned_seed_still_tells_nothing_of_the_spread() -> None:
    assert judge_one(one_cell(), [63.9], seeds=1).status == Status.INCOMPLETE
    assert judge_one(one_cell(), [63.8, 64.0], seeds=1).status != Status.INCOMPLETE


def test_a_single_reported_number_is_never_reproduced() -> None:
    paper = replace(published(), numbers=(BASELINE, SINGLE))
    sample = Sample(dict(enumerate(five(64.5, 0.01), start=1)))
    found = judge_cells(paper, lambda _number: sample, 5)[1]
    assert found.status == Status.CONSISTENT
    assert found.comparison is not None
    assert found.comparison.p_equivalent is None
    assert "2 of our 5 seeds are below it" in found.notes


@pytest.mark.parametrize("status", ["dash", "unknown"])
def test_a_number_that_is_not_there_is_not_judged(status: str) -> None:
    found = judge_one(one_cell(value=None, spread=None, status=status), five(63.9, 0.5))
    assert found.status == Status.NOT_JUDGED
    assert found.notes == (f"the source prints no number here ({status})",)


def test_a_number_without_value_has_no_summary() -> None:
    with pytest.raises(ValueError, match="no value"):
        summary_of(replace(BASELINE, value=None))


def test_a_gain_without_its_baseline_has_no_margin() -> None:
    found = judge_one(one_cell(losses="isl"), five(63.9, 0.5))
    assert found.status == Status.NOT_JUDGED
    assert "no margin" in found.notes[0]


def test_ddof_1_may_turn_a_verdict_and_is_listed_then() -> None:
    # s = 0.78. ddof 0: s₀ = 0.872, SE 0.523, 0.95 / 0.523 = 1.82 < t(0.95) = 1.86. ddof 1: s₀ = 0.78,
    # SE 0.493, 0.95 / 0.493 = 1.93.
    found = judge_one(one_cell(spread=0.78), five(63.9, 0.78))
    assert found.status == Status.CONSISTENT
    assert found.sensitivity == {"ddof 1": Status.REPRODUCED}


@settings(max_examples=50)
@given(
    st.lists(st.floats(0, 100), min_size=5, max_size=8),
    st.sampled_from([0, 1, 2]),
    st.none() | st.floats(0, 5),
)
def test_every_cell_gets_a_verdict_of_finite_numbers(
    values: list[float], decimals: int, spread: float | None
) -> None:
    found = judge_one(one_cell(decimals=decimals, spread=spread), values)
    assert found.status in {Status.REPRODUCED, Status.CONSISTENT, Status.NOT_REPRODUCED}
    assert found.comparison is not None
    numbers = [found.comparison.mean, found.comparison.difference, found.comparison.low,
               found.comparison.high, found.comparison.p_different, found.comparison.p_holm]  # fmt: skip
    assert all(map(math.isfinite, numbers))


@settings(max_examples=50)
@given(st.lists(st.floats(60, 68), min_size=5, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_seeds_does_not_matter(values: list[float], random: Any) -> None:
    mixed = random.sample(values, len(values))
    assert judge_one(one_cell(), values).status == judge_one(one_cell(), mixed).status


@given(st.floats(0, 3), st.floats(0.01, 2))
def test_up_and_down_are_judged_alike(by: float, sd: float) -> None:
    up, down = (judge_one(one_cell(), five(63.9 + sign * by, sd)) for sign in (1, -1))
    assert up.comparison is not None
    assert down.comparison is not None
    near = (up.comparison.p_holm, up.comparison.p_equivalent or 0.0)
    if all(abs(p - 0.05) > 1e-6 for p in near):
        assert up.status == down.status
