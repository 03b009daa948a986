"""What the texts of options ask for, and what is refused before anything is planned."""

import pytest

from harness.cli.asked import read_ask
from harness.errors import UsageError
from harness.manifest.model import Losses


def test_what_nobody_named_is_left_to_the_plan() -> None:
    ask = read_ask()
    assert (ask.losses, ask.seed, ask.seeds, ask.until) == (tuple(Losses), (), None, ())


def test_seeds_are_all_that_numpy_takes() -> None:
    assert read_ask(seed="0,4294967295").seed == (0, 4294967295)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seed": "-1"}, "--seed -1: not from 0 to 4294967295"),
        ({"seed": "1,4294967296"}, "--seed 4294967296: not from 0"),
        ({"seed": "1.5"}, "not a list of numbers"),
        ({"seed": "1,,2"}, "not a list of numbers"),
        ({"seed": ""}, "not a list of numbers"),
        ({"seed": "1", "seeds": 2}, "--seeds and --seed together"),
        ({"until": ""}, "--until: empty"),
        ({"losses": ""}, "--losses : unknown"),
        ({"runtime": ""}, "--runtime : unknown"),
        ({"scale": ""}, "--scale : unknown"),
        ({"option": [""]}, "no '='"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as error:
        read_ask(**asked)  # type: ignore[arg-type]
    assert said in str(error.value)
