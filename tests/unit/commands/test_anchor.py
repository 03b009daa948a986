"""What anchors compare and conclude, and how one takes the place of a step."""

import dataclasses

import pytest

from harness.commands.anchor import compare, conclude
from harness.manifest.load import load_catalogue, load_method
from harness.manifest.model import Anchor, KnownScore, Losses
from harness.plan.plan import Plan
from tests import toy
from tests.golden import PROJECT

ANCHOR = Anchor(
    about="a known model",
    asset="released",
    replaces="train.model",
    backbone="tiny",
    expect=(
        KnownScore(score="final", value=64.75, tolerance=0.1, source="its name"),
        KnownScore(score="cam", value=55.4, tolerance=0.5, source="the paper"),
    ),
)
STAGES = {"cam": 3, "final": 9}


@pytest.mark.parametrize(
    ("cam", "final", "conclusion"),
    [
        (55.9, 64.65, "every known score was reached"),
        (55.0, 64.64, "stage 9 deviates first: J of final is 64.64, expected 64.75 ± 0.1; cam"),
        (54.8, 64.75, "stage 3 deviates first: J of cam is 54.80, expected 55.4 ± 0.5; nothing"),
        (55.4, None, "J of final was not reached"),
    ],
)
def test_the_first_stage_that_deviates_is_named(
    cam: float, final: float | None, conclusion: str
) -> None:
    scores = {"cam": {"J": cam}} | ({"final": {"J": final}} if final is not None else {})
    rows = compare(ANCHOR, scores, STAGES)
    assert [row.stage for row in rows] == [3, 9]
    assert conclusion in conclude(rows)
    assert all(row.agrees for row in rows) == conclusion.startswith("every")


def plan(anchor: str | None) -> Plan:
    expect = ANCHOR.expect[:1]
    method = toy.method(anchors={"known": dataclasses.replace(ANCHOR, expect=expect)})
    digests = toy.digests(assets={"released": "the digest"})
    return toy.plan(
        method, with_digests=digests, losses=(Losses.NONE,), anchor=anchor, until=("final",)
    )


def test_an_anchor_stands_in_for_the_step_and_all_before_it() -> None:
    (anchored,), (plain,) = plan("known").runs, plan(None).runs
    assert set(plain.steps) == {"data", "train", "score"}
    assert set(anchored.steps) == {"score"}
    assert anchored.steps["score"] != plain.steps["score"]
    assert anchored.id == f"{plain.id}-anchor-known"
    (score,) = plan("known").steps.values()
    assert (
        score.inputs["model"].target
        == plan(None).steps[plain.steps["score"]].inputs["model"].target
    )
    assert score.assets == ("released",)


def test_every_anchors_asset_holds_what_the_output_must() -> None:
    """The contract of the asset says no less about tensors than that of the output it replaces."""
    catalogue = load_catalogue(PROJECT)
    for path in sorted(PROJECT.methods.glob("*.yaml")):
        method = load_method(PROJECT, path.stem, catalogue)
        for name, anchor in method.anchors.items():
            step, _, output = anchor.replaces.partition(".")
            made = next(s for s in method.steps if s.name == step).outputs[output].contract
            asset = catalogue.assets[anchor.asset]
            assert asset.smoke is None, name
            if made.kind == "png-labels":  # which ids it must hold, an asset cannot know
                assert asset.contract.kind == "folder", name
            else:
                assert asset.contract.kind == made.kind, name
                assert asset.contract.shapes == made.shapes, name
