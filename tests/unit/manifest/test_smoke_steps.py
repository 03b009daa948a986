"""Which assets are made at which scale, and of what, however far behind."""

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from harness.manifest.catalogue import Asset
from harness.manifest.model import Scale
from harness.manifest.smoke_steps import StandIns


def asset(*made_of: str) -> Asset:
    fields: dict[str, Any] = {"title": "x", "size_gb": 1, "contract": {"kind": "file"}}
    if made_of:
        inputs = {name: f"assets.{name}" for name in made_of} | {"lists": "repos.up"}
        fields["smoke"] = {"argv": ["x"], "contract": {"kind": "file"}, "inputs": inputs}
    return TypeAdapter(Asset).validate_python(fields)


ASSETS = {"a": asset("b", "c"), "b": asset("d"), "c": asset("d"), "d": asset(), "e": asset()}


def test_everything_behind_an_asset_is_found() -> None:
    made = StandIns(ASSETS, Scale.SMOKE)
    assert made.behind(["a"]) == {"a", "b", "c", "d"}
    assert made.behind(["e", "b"]) == {"b", "d", "e"}
    assert made.behind([]) == set()


def test_nothing_stands_in_for_an_asset_at_paper_scale() -> None:
    made = StandIns(ASSETS, Scale.PAPER, frozenset(ASSETS))
    assert made.maker("a") is None
    assert made.behind(["a"]) == {"a"}


def test_a_rehearsal_makes_what_is_not_on_the_machine() -> None:
    made = StandIns(ASSETS, Scale.REHEARSAL, frozenset({"a", "b", "d"}))
    assert made.maker("a") is ASSETS["a"].smoke
    assert made.maker("c") is None
    assert made.maker("d") is None  # nothing can make it: it must be fetched
    assert made.behind(["a"]) == {"a", "b", "c", "d"}


def test_a_maker_for_rehearsals_goes_before_the_one_of_smoke_scale() -> None:
    own = asset("d").smoke
    assets = {"a": replace(asset("b"), rehearsal=own)}
    assert StandIns(assets, Scale.REHEARSAL_CPU, frozenset({"a"})).maker("a") is own
    assert StandIns(assets, Scale.SMOKE, frozenset({"a"})).maker("a") is assets["a"].smoke
