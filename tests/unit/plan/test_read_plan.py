"""A saved plan is read back whole."""

import json

from harness.manifest.model import Losses
from harness.plan.plan import read_plan
from tests import toy


def test_a_plan_is_read_back_as_it_was() -> None:
    plan = toy.plan(losses=tuple(Losses))
    found = read_plan(json.loads(json.dumps(plan.document())))
    assert found == plan
    assert found.id == plan.id
