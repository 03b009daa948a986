"""Each method's plan is what a reviewer has read: a changed manifest shows as a changed file."""

import pytest

from harness.manifest.model import Scale
from tests import golden


@pytest.mark.parametrize(("chain", "scale"), golden.scales())
def test_golden_plan(chain: str, scale: Scale) -> None:
    method, backbone = golden.chains()[chain]
    expected = (golden.FOLDER / golden.scales()[chain, scale]).read_text(encoding="utf-8")
    found = golden.plan([method], scale, backbone)
    assert golden.text(found) == expected, "if meant: python -m tests.golden"
    assert len(found.runs) == 20


def test_golden_plan_of_everything() -> None:
    expected = (golden.FOLDER / "all-paper.txt").read_text(encoding="utf-8")
    assert golden.everything() == expected, "if meant: python -m tests.golden"
    assert expected.startswith("140 runs, ")


def test_golden_forecast_with_stored_measurements() -> None:
    expected = (golden.FOLDER / "sipe-res101-forecast.txt").read_text(encoding="utf-8")
    assert golden.forecast() == expected, "if meant: python -m tests.golden"
    assert "measured on Test GPU 80GB on 2026-11-30" in expected


def test_no_step_of_a_chain_is_left_without_contract_or_reader() -> None:
    for name in golden.methods():
        plan = golden.plan([name])
        read = {parent for step in plan.steps.values() for parent in step.parents}
        for key, step in plan.steps.items():
            assert step.outputs, f"{name} {step.name} declares no output"
            assert step.score or key in read, f"{name} {step.name}: nobody reads it"
