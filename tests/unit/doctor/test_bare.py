"""The screens of a method where there is nothing: one list, the same from both commands."""

from harness.doctor import State
from tests.golden import bare


def test_golden_screen() -> None:
    expected = bare.FILE.read_text(encoding="utf-8")
    assert bare.screen() == expected, "if meant: python -m tests.golden"


def test_reproduce_refuses_with_the_very_list_of_doctor() -> None:
    assert bare.refusal() + "\n" == bare.screen().split("\n\n", 1)[1]


def test_the_list_fits_80_columns_but_for_what_must_not_be_broken() -> None:
    for line in bare.FILE.read_text(encoding="utf-8").split("\n\n", 1)[1].splitlines():
        longest = max(map(len, line.split()), default=0)
        assert len(line) < 80 or longest > 60 or "harness " in line, line


def test_three_things_are_missing_and_what_follows_from_them_is_unknown() -> None:
    found = bare.diagnosis()
    assert [one.name for one in found.missing] == ["engine", "gpus", "resnet101-coco"]
    unknown = {line.name for line in found.lines if line.state is State.UNKNOWN}
    assert unknown == {"limits", "users", "driver", "toolkit"}
    assert not found.ready
