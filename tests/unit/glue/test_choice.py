"""Which few pictures stand for a whole list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.glue.choice import Candidate, choose


def picture(name: str, width: int, height: int, *classes: int) -> Candidate:
    return Candidate(name, width, height, frozenset(classes))


LIST = [
    picture("usual", 500, 375, 1),
    picture("largest", 500, 500, 1),
    picture("crowded", 500, 375, 2, 3, 4),
    picture("smallest", 142, 71, 1),
    picture("high", 375, 500, 2),
    picture("other", 500, 375, 5),
]


def test_the_largest_and_the_smallest_come_first() -> None:
    assert choose(LIST, 1) == ("largest",)
    assert choose(LIST, 2) == ("largest", "smallest")


def test_then_the_orientation_that_is_missing() -> None:
    assert choose(LIST, 3) == ("largest", "smallest", "high")


def test_then_the_classes_that_no_other_shows() -> None:
    assert choose(LIST, 4) == ("largest", "crowded", "smallest", "high")
    assert choose(LIST, 5) == ("largest", "crowded", "smallest", "high", "other")


def test_of_equally_small_pictures_the_one_of_the_other_orientation_is_taken() -> None:
    small = [picture("wide", 20, 10, 2, 3), picture("high", 10, 20, 2)]
    assert choose([picture("largest", 50, 40, 1), *small], 2) == ("largest", "high")


def test_a_short_list_is_taken_whole() -> None:
    assert choose(LIST, 99) == tuple(one.name for one in LIST)
    assert choose([], 3) == ()


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.text("ab", min_size=1),
        st.integers(1, 9),
        st.integers(1, 9),
        st.frozensets(st.integers(0, 19), max_size=4),
    ),
    unique_by=lambda one: one.name,
    min_size=1,
    max_size=12,
)


@given(CANDIDATES, st.integers(2, 12))
def test_as_many_as_asked_with_the_extremes_and_both_orientations(
    candidates: list[Candidate], count: int
) -> None:
    names = choose(candidates, count)
    assert len(names) == min(count, len(candidates))
    chosen = [one for one in candidates if one.name in names]
    areas = [one.area for one in candidates]
    assert {max(areas), min(areas)} <= {one.area for one in chosen}
    if count >= 3:
        assert {one.portrait for one in candidates} == {one.portrait for one in chosen}


@given(CANDIDATES)
def test_with_room_for_all_every_class_is_shown(candidates: list[Candidate]) -> None:
    shown = frozenset[int]().union(*(one.classes for one in candidates))
    names = choose(candidates, 3 + len(shown))
    kept = [one.classes for one in candidates if one.name in names]
    assert frozenset[int]().union(*kept) == shown
