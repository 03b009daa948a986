"""Canonical JSON: equal values, equal digests, whatever their order."""

from hypothesis import given
from hypothesis import strategies as st

from harness.plan.keys import canonical, differences, digest

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
