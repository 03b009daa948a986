"""The content address of a plan."""

import dataclasses

from tests import toy


def test_a_plan_is_hashed_once_and_a_changed_one_anew() -> None:
    plan = toy.plan()
    assert plan.id is plan.id
    assert dataclasses.replace(plan, runs=plan.runs[:1]).id != plan.id
    assert dataclasses.replace(plan).id == plan.id
