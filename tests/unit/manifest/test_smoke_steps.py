"""What smoke assets are made of, however far behind."""

from typing import Any

from pydantic import TypeAdapter

from harness.manifest.catalogue import Asset
from harness.manifest.smoke_steps import assets_behind


def asset(*made_of: str) -> Asset:
    fields: dict[str, Any] = {"title": "x", "size_gb": 1, "contract": {"kind": "file"}}
    if made_of:
        inputs = {name: f"assets.{name}" for name in made_of} | {"lists": "repos.up"}
        fields["smoke"] = {"argv": ["x"], "contract": {"kind": "file"}, "inputs": inputs}
    return TypeAdapter(Asset).validate_python(fields)


def test_everything_behind_an_asset_is_found() -> None:
    assets = {"a": asset("b", "c"), "b": asset("d"), "c": asset("d"), "d": asset(), "e": asset()}
    assert assets_behind(["a"], assets) == {"a", "b", "c", "d"}
    assert assets_behind(["e", "b"], assets) == {"b", "d", "e"}
    assert assets_behind([], assets) == set()
