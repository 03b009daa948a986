"""Canonical JSON: equal values, equal digests, whatever their order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from harness.plan.bind import KEY_SCHEMA
from harness.plan.keys import canonical, differences, digest, digest_plain, plain
from tests import toy

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values))
def test_order_of_keys_does_not_matter(mapping: dict[str, object]) -> None:
    turned = dict(reversed(list(mapping.items())))
    assert digest(mapping) == digest(turned)


@given(values, values)
def test_different_json_different_canonical_form(left: object, right: object) -> None:
    assert (canonical(left) == canonical(right)) == (canonical([left]) == canonical([right]))


@given(st.dictionaries(st.text(), values), st.dictionaries(st.text(), values))
def test_differences_are_empty_only_for_equal_mappings(
    left: dict[str, object], right: dict[str, object]
) -> None:
    found = differences(left, right)
    if digest(left) == digest(right):
        assert not found
    for _, one, other in found:
        assert one != other


def test_the_key_of_a_known_step_never_changes() -> None:
    """Whoever changes it makes every finished step run again: raise KEY_SCHEMA if that is meant."""
    plan = toy.plan()
    assert KEY_SCHEMA == 1
    assert (
        toy.keys_of(plan)["train"]
        == "2f22e83c4a57bccd454e03848696f891517b59c1e241b5d5a2aa89fa049cdb81"
    )


class Level(StrEnum):
    HIGH = "high"


@dataclass(frozen=True)
class Inner:
    level: Level
    size: int | None = None


@dataclass(frozen=True)
class Outer(Inner):
    inner: tuple[Inner, ...] = ()
    table: Mapping[object, object] = field(default_factory=dict)


def test_every_kind_of_value_has_a_plain_form() -> None:
    table = MappingProxyType({1: (Level.HIGH, None), "two": Inner(Level.HIGH, 3)})
    value = Outer(Level.HIGH, None, (Inner(Level.HIGH),), table)
    found = plain(value)
    assert found == {
        "level": "high",
        "inner": [{"level": "high"}],
        "table": {"1": ["high", None], "two": {"level": "high", "size": 3}},
    }
    assert type(found["level"]) is str
    assert digest_plain(found) == digest(value)
