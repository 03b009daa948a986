"""JSON for machines is byte for byte what Python's own encoder writes."""

import json
from collections import OrderedDict
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.json_text import json_text


class Colour(StrEnum):
    RED = "red"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_text_is_what_json_writes(value: Any) -> None:
    assert json_text(value) == json.dumps(value, indent=1, sort_keys=True)


@pytest.mark.parametrize(
    "rare",
    [
        (1, (2, "a\nb"), []),
        {2: [1, {"a": 1}], 1: {}},
        OrderedDict(b={"x": [1]}, a=1),
        Colour.RED,
        {Colour.RED: Colour.RED},
    ],
)
def test_rare_values_are_indented_too(rare: Any) -> None:
    nested = {"outer": [rare, {"inner": rare}]}
    assert json_text(nested) == json.dumps(nested, indent=1, sort_keys=True)


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json_text({"a": [object()]})
