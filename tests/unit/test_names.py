"""What people type, as the name that is meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.asked import parse_losses, parse_runtime, parse_scale
from harness.errors import UsageError
from harness.manifest.model import Losses, RuntimeName, Scale
from harness.names import choose, nearest, suggest

NAMES = st.lists(st.text("abc-1", min_size=1, max_size=5), min_size=1, max_size=6)


@given(NAMES, st.data())
def test_a_whole_name_is_itself_whatever_else_begins_so(
    names: list[str], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(names))
    assert choose(name, names, "none") == name


@given(NAMES, st.text("abc-1", max_size=3))
def test_a_beginning_is_accepted_only_if_one_name_has_it(names: list[str], word: str) -> None:
    begun = {name for name in names if word and name.startswith(word)}
    if word in names or len(begun) == 1:
        assert choose(word, names, "none") == (word if word in names else begun.pop())
    else:
        with pytest.raises(UsageError) as raised:
            choose(word, names, "none")
        assert all(name in raised.value.hint for name in begun)


def test_a_typo_is_answered_with_the_nearest_name_and_all_there_are() -> None:
    with pytest.raises(UsageError, match="no backbone 'ers38'") as raised:
        choose("ers38", ["res38", "res101"], "no backbone 'ers38'", listed="its backbones")
    assert raised.value.hint == "did you mean 'res38'? its backbones: res38, res101"
    assert suggest("x", []) == "one of: none"
    assert nearest("SIPE", ["seam", "sipe"]) == "sipe"


@pytest.mark.parametrize(
    ("text", "losses"),
    [
        ("fsl+isl", [Losses.BOTH]),
        ("isl+fsl", [Losses.BOTH]),
        ("isl+", [Losses.BOTH]),
        ("n,f", [Losses.NONE, Losses.FSL]),
        ("isl, isl", [Losses.ISL]),
        ("all", list(Losses)),
        ("isl+fsl,all", [Losses.BOTH, Losses.NONE, Losses.ISL, Losses.FSL]),
    ],
)
def test_losses_by_any_order_of_their_parts(text: str, losses: list[Losses]) -> None:
    assert parse_losses(text) == tuple(losses)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("i", "write more of one: isl, isl+fsl"),
        ("isl,", "one of: none, isl, fsl, isl+fsl"),
        ("ils", "did you mean"),
        ("isl+fsl+isl", "did you mean 'isl+fsl'"),
    ],
)
def test_losses_that_are_none(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_losses(text)
    assert hint in raised.value.hint


def test_scales_and_runtimes_by_their_beginnings() -> None:
    assert parse_scale("sm") is Scale.SMOKE
    assert parse_scale("rehearsal") is Scale.REHEARSAL
    assert parse_runtime("po") is RuntimeName.PODMAN
    with pytest.raises(UsageError, match="2 names begin so") as raised:
        parse_runtime("p")
    assert raised.value.hint == "write more of one: podman, process"
