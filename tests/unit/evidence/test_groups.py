"""Runs that differ in their seed alone are averaged, and no others."""

import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.gather import gather
from harness.evidence.groups import Spread, groups_of, settings_of
from harness.layout import RunLayout
from tests.evidence import Finished, finish


def finished(tmp_path: Path, *runs: Finished) -> RunLayout:
    layout = RunLayout(tmp_path / "runs")
    for run in runs:
        finish(layout, run)
    return layout


def test_seeds_of_a_row_and_losses_are_one_group(tmp_path: Path) -> None:
    layout = finished(
        tmp_path,
        Finished("seam", "res38", "isl", 2, J=63.0, F=40.0),
        Finished("seam", "res38", "isl", 1, J=61.0, F=42.0),
        Finished("seam", "res38", "none", 1, J=60.0, F=39.0),
    )
    none, isl = groups_of(gather(layout).runs)
    assert (none.losses.value, none.spread("final", "J").sd) == ("none", None)
    assert isl.spread("final", "J").by_seed == {1: 61.0, 2: 63.0}
    assert isl.spread("final", "J").text == "62.0 ± 1.4"
    assert isl.spread("final", "JF").mean == pytest.approx(51.5)
    assert isl.labels == ("cam", "pseudo", "final")


@pytest.mark.parametrize(
    "other",
    [
        {"scale": "smoke"},
        {"stack": "cu130"},
        {"runtime": "process"},
        {"options": {"alphas": "1-24"}},
        {"backbone": "res101"},
    ],
)
def test_runs_of_another_setting_are_another_group(
    tmp_path: Path, other: dict[str, object]
) -> None:
    same = {"backbone": "res38", **other}
    layout = finished(
        tmp_path,
        Finished("seam", "res38", "isl", 1, J=60.0, F=40.0),
        Finished("seam", losses="isl", seed=2, J=90.0, F=90.0, **same),  # type: ignore[arg-type]
    )
    groups = groups_of(gather(layout).runs)
    assert [len(group.runs) for group in groups] == [1, 1]
    assert len(settings_of(groups)) == (1 if "backbone" in other else 2)


@given(st.dictionaries(st.integers(1, 99), st.floats(0, 100), min_size=2, max_size=9))
def test_a_spread_has_ddof_1_and_stays_within_its_seeds(by_seed: dict[int, float]) -> None:
    spread = Spread(by_seed)
    assert min(by_seed.values()) - 1e-9 <= spread.mean <= max(by_seed.values()) + 1e-9
    assert spread.sd == statistics.stdev(by_seed.values())
