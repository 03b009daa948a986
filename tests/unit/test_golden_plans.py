"""Each method's plan is what a reviewer has read: a changed manifest shows as a changed file."""

import pytest

from harness.core.model import Scale
from tests import golden


@pytest.mark.parametrize("scale", list(Scale))
@pytest.mark.parametrize("name", golden.methods())
def test_golden_plan(name: str, scale: Scale) -> None:
    expected = (golden.FOLDER / f"{name}-{scale}.txt").read_text(encoding="utf-8")
    assert golden.text(golden.plan(name, scale)) == expected, "if meant: python -m tests.golden"


def test_no_step_of_a_chain_is_left_without_contract_or_reader() -> None:
    for name in golden.methods():
        plan = golden.plan(name, Scale.PAPER)
        read = {parent for step in plan.steps.values() for parent in step.parents}
        for key, step in plan.steps.items():
            assert step.outputs, f"{name} {step.name} declares no output"
            assert step.score or key in read, f"{name} {step.name}: nobody reads it"
