"""A settled plan is the plan that would have been made had every digest been known."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.manifest.catalogue import Asset, Catalogue
from harness.manifest.model import Losses, Method
from harness.plan.make import make_plan
from harness.plan.plan import UNVERIFIED, Plan
from harness.plan.settle import settle
from tests import toy

NAMES = ("one", "two")
ASSETS = {
    name: TypeAdapter(Asset).validate_python(
        {"title": name, "size_gb": 1, "contract": {"kind": "file"}}
    )
    for name in NAMES
}
CATALOGUE = Catalogue(repositories={}, assets=ASSETS, stacks={})


def method() -> Method:
    data, train, score = (dict(step) for step in toy.STEPS)
    data["inputs"] = {"asset": "assets.one"}
    train["inputs"] = {**train["inputs"], "weights": "assets.two/part"}
    return toy.method(
        steps=[
            {
                "threads": {"paper": 1, "smoke": 1},
                "resources": {"paper": {"cpus": 1, "memory_gb": 1}},
                **step,
            }
            for step in (data, train, score)
        ]
    )


def plan(assets: Mapping[str, str]) -> Plan:
    digests = toy.digests(assets=assets)
    return make_plan([method()], CATALOGUE, toy.ask(losses=tuple(Losses)), lambda _: digests)


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["a" * 64, "b" * 64])))
def test_settling_is_planning_with_known_digests(known: dict[str, str]) -> None:
    unknown = {name: UNVERIFIED + name for name in NAMES}
    settled = settle(plan(unknown), known)
    assert settled == plan({**unknown, **known})
    assert list(settled.steps) == list(plan({**unknown, **known}).steps)


def test_a_plan_without_unhashed_assets_stays_as_it_is() -> None:
    made = toy.plan()
    assert settle(made, {}) == made
