"""What planned seeds can settle, before anything runs."""

import re

from harness.verdict.outlook import outlook, outlook_notes
from tests.paper_runs import LOSSES, published


def planned(
    row: str, seeds: int, losses: tuple[str, ...] = LOSSES
) -> dict[tuple[str, str, str], int]:
    method, _, backbone = row.partition("/")
    return {(method, backbone, one): seeds for one in losses}


def test_five_seeds_settle_no_cell_of_mctformer() -> None:
    # s₀ = 1.118 · (0.5 … 1.7), δ − 0.05 at most 0.95: the best ratio is none F, 0.95 / 0.78 = 1.2 < 1.6.
    found = outlook(published(), planned("mctformer/deit-s", 5))
    assert found is not None
    assert found.settled == ()
    assert found.needs == {}
    assert len(found.never) == 6
    assert found.unknown == ("t7/mctformer/deit-s/reproduced/isl+fsl/val",)
    assert found.incomplete == ()


def test_five_seeds_settle_all_of_spatial_bce() -> None:
    # The worst is isl J of Res38: s₀ = 0.224, 0.45 / 0.224 = 2.0, for which six seeds are needed.
    found = outlook(published(), planned("spatial-bce/res38", 5))
    assert found is not None
    assert set(found.settled) | set(found.needs) == {
        f"t6/spatial-bce/res38/{losses}/{metric}"
        for losses in ("none", "isl", "fsl")
        for metric in ("J", "F")
    }
    assert set(found.needs) == {"t6/spatial-bce/res38/isl/J"}
    assert found.never == ()


def test_more_seeds_settle_more_and_fewer_are_incomplete() -> None:
    few, many = (outlook(published(), planned("spatial-bce/res38", n)) for n in (2, 9))
    assert few is not None
    assert many is not None
    assert set(few.settled) < set(many.settled)
    assert len(few.incomplete) == 7
    assert "incomplete with fewer than 5 seeds: 7" in "\n".join(outlook_notes(few))
    assert many.incomplete == ()


def test_only_the_arms_of_the_plan_count() -> None:
    found = outlook(published(), planned("seam/res38", 5, ("none",)))
    assert found is not None
    cells = {*found.settled, *found.needs, *found.never, *found.unknown}
    assert cells == {"t6/seam/res38/none/J", "t6/seam/res38/none/F"}


def test_every_cell_is_in_one_place_and_counted() -> None:
    found = outlook(published(), planned("sipe/res38", 5) | planned("pmm/res38", 5))
    assert found is not None
    cells = [*found.settled, *found.needs, *found.never, *found.unknown]
    assert len(cells) == len(set(cells)) == 14
    first = outlook_notes(found)[0]
    assert re.fullmatch(
        r"verdicts: these seeds can settle \d+ of 14 published cells, more seeds \d+.*", first
    )


def test_a_method_that_is_not_in_the_paper_has_no_outlook() -> None:
    assert outlook(published(), planned("demo/tiny", 5)) is None
