"""Claims where nothing scatters, rows are alike, or seeds do not match."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.evidence import Evidence
from harness.verdict.claims import held
from harness.verdict.contrast import welch
from harness.verdict.results import ClaimVerdict, Held
from harness.verdict.verdict import judge
from tests.paper_runs import LOSSES, evidence, fed_back, published, run_of


def claim(found: Evidence, name: str) -> ClaimVerdict:
    whole = judge(found, published())
    every = [*whole.claims, *(one for row in whole.rows for one in row.claims)]
    return next(one for one in every if one.id == name)


def flat(value: float = 60.0) -> Evidence:
    """All rows, arms and seeds alike."""
    scores = {"J": value, "F": value, "JF": value}
    return evidence(
        run_of(row, losses, seed, scores)
        for row in published().rows
        for losses in LOSSES
        for seed in range(1, 6)
    )


@pytest.mark.parametrize(
    ("gain", "sd", "expected"),
    [
        (0.4, 0.1, Held.HOLDS),
        (-0.4, 0.1, Held.FAILS),
        (0.4, 1.0, Held.OPEN),
        (0.0, 0.0, Held.OPEN),
        (0.1, 0.0, Held.HOLDS),
        (-0.1, 0.0, Held.FAILS),
    ],
)
def test_a_gain_holds_fails_or_is_open(gain: float, sd: float, expected: Held) -> None:
    assert held(welch(gain, sd, 5, sd, 5)) == expected


@given(st.floats(-5, 5), st.floats(0, 5))
def test_a_gain_that_holds_fails_when_the_arms_change_places(gain: float, sd: float) -> None:
    turned = {Held.HOLDS: Held.FAILS, Held.FAILS: Held.HOLDS, Held.OPEN: Held.OPEN}
    assert held(welch(-gain, sd, 5, sd, 5)) == turned[held(welch(gain, sd, 5, sd, 5))]


def test_rows_that_are_all_alike_have_no_order() -> None:
    found = claim(flat(), "order/none/J")
    assert found.status == Held.OPEN
    assert (found.gain, found.p) == (None, None)
    assert found.notes == ("all rows have the same mean: there is no order",)


def test_no_gain_at_all_falls_short_of_the_papers_average() -> None:
    found = claim(flat(), "s2/fsl/J")
    assert (found.gain, found.low, found.high) == (0.0, 0.0, 0.0)
    assert found.status == Held.FAILS  # 1.13 in the paper's cells


def test_an_order_that_is_turned_round_fails() -> None:
    base = {number.id: number.value or 0.0 for number in published().numbers}
    turned = fed_back(lambda row, losses: 2 * (66 - base.get(f"t6/{row}/{losses}/J", 66)))
    found = claim(turned, "order/none/J")
    assert found.gain == -1.0
    assert found.status == Held.FAILS


def test_dependent_rows_count_as_one_chain() -> None:
    """Two rows that scatter against each other: their mean does not, so nothing hides the gain."""
    sipe = [row for row in published().rows if row.method == "sipe"]
    assert [row.shares for row in sipe] == [("sipe/res101",), ("sipe/res38",)]
    against = dict(zip((row.name for row in sipe), (1.0, -1.0), strict=True))
    others = [run for run in fed_back().runs if run.method != "sipe"]
    noise = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    runs = [
        run_of(row, losses, seed, dict.fromkeys(("J", "F", "JF"), value))
        for row in sipe
        for losses in LOSSES
        for seed in range(1, 6)
        for value in [68.0 + against[row.name] * noise[seed - 1] + (losses == "fsl")]
    ]
    apart = claim(evidence([*others, *runs]), "gain/fsl/sipe/res38/J")
    together = claim(evidence([*others, *runs]), "s2/fsl/J")
    before = claim(fed_back(), "s2/fsl/J")
    assert apart.status == Held.OPEN
    assert None not in (together.low, together.high, before.low, before.high)
    width, width_before = (one.high - one.low for one in (together, before))  # type: ignore[operator]
    assert width == pytest.approx(width_before, abs=0.02)


def test_dependent_rows_with_different_seeds_leave_the_average_open() -> None:
    runs = [
        run_of(published().row(run.row), run.losses.value, run.seed + 5 * (run.backbone == "res101"),
               {"J": run.scores["final"].J, "F": run.scores["final"].F, "JF": 0.0})
        for run in fed_back().runs
    ]  # fmt: skip
    found = claim(evidence(runs), "s2/fsl/J")
    assert found.status == Held.OPEN
    assert "they have different seeds" in found.notes[-1]
