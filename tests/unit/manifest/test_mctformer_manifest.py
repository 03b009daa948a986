"""MCTformer's options reach just what they are about."""

import pytest

from harness.manifest.model import Losses, Scale
from tests.chain import Chain, changed

steps = Chain("mctformer", with_test=True)
TRAININGS = ("train-cam", "train-aff", "train-final")
#: The options that say how the losses are injected, each with the losses that it is about.
INJECTED = {
    "isl_place": ("sum", {Losses.ISL, Losses.BOTH}),
    "fsl_map": ("fused", {Losses.FSL, Losses.BOTH}),
    "fsl_sigma": ("1.25", {Losses.FSL, Losses.BOTH}),
    "losses_mode": ("reference", {Losses.ISL, Losses.FSL, Losses.BOTH}),
}


@pytest.mark.parametrize("losses", list(Losses))
def test_each_loss_brings_its_own_arguments(losses: Losses) -> None:
    step = steps(losses)["train-cam"]
    for flag in ("--isl_weight", "--isl_samples", "--isl_place"):
        assert (flag in step.argv) == ("isl" in losses.injected)
    for flag in ("--fsl_weight", "--fsl_mu", "--fsl_sigma"):
        assert (flag in step.argv) == ("fsl" in losses.injected)
    assert ("--losses_mode" in step.argv) == bool(losses.injected)
    assert ("losses" in step.packages) == bool(losses.injected)


@pytest.mark.parametrize("losses", list(Losses))
@pytest.mark.parametrize("option", INJECTED)
def test_options_of_a_loss_reach_the_runs_with_that_loss_alone(losses: Losses, option: str) -> None:
    choice, about = INJECTED[option]
    found = changed(steps(losses), steps(losses, **{option: choice}))
    assert ("train-cam" in found) == (losses in about)
    assert not found or losses in about


def test_fsl_takes_the_layers_that_stage_3_takes() -> None:
    bound = steps(fsl_map="fused")
    layers = [
        step.argv[step.argv.index("--layer-index") + 1]
        for step in (bound["train-cam"], bound["infer-cam"])
    ]
    assert layers == ["3", "3"]


def test_the_walk_reads_scores_only_where_they_choose_its_background() -> None:
    fixed, curve = steps(), steps(bg_thr="curve")
    assert "scores" not in fixed["infer-aff"].inputs
    assert fixed["infer-aff"].argv[-2:] == ("--bg_thr", "0.39")
    choices = steps.method.options["bg-thr"].choices
    assert (choices["fixed"].cam_background, choices["curve"].cam_background) == (0.39, None)
    assert curve["infer-aff"].inputs["scores"].ref == curve["score-cam"].key
    assert curve["infer-aff"].argv[-2:] == ("--bg_curve", "{in.scores}")
    found = changed(fixed, curve)
    assert {"infer-aff", "train-final", "predict", "predict-test"} <= found
    assert not {"lists", "train-cam", "infer-cam", "score-cam", "train-aff"} & found
    assert steps.method.options["bg-thr"].uses_masks


@pytest.mark.parametrize(("reach", "seeds"), [("2+5+7", (3, 3, 3)), ("2", (3, 0, 0))])
def test_the_seed_reaches_the_chosen_stages(reach: str, seeds: tuple[int, ...]) -> None:
    bound = steps(seed_reach=reach)
    assert tuple(bound[name].seed for name in TRAININGS) == seeds
    assert all(step.seed is None for name, step in bound.items() if name not in TRAININGS)


@pytest.mark.parametrize("scale", [one for one in Scale if one is not Scale.DEMO])
def test_every_epochs_checkpoint_is_written_over_the_one_before(scale: Scale) -> None:
    step = steps(scale=scale)["train-final"]
    epochs = int(step.argv[step.argv.index("--num_epochs") + 1])
    places = [step.links.get(f"seg/model_{epoch}.pth") for epoch in range(epochs)]
    assert places == ["{out}/final.pth"] * epochs


def test_the_test_split_is_predicted_by_the_command_that_predicts_val() -> None:
    bound = steps()
    val, test = bound["predict"], bound["predict-test"]
    assert test.argv == val.argv
    assert test.inputs["weights"] == val.inputs["weights"]
    assert test.inputs["masks"].ref == bound["blank-test"].key
    assert {test.inputs[name] for name in ("voc", "list", "masks")}.isdisjoint(val.inputs.values())
