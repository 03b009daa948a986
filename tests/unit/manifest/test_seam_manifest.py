"""steps.method's options reach just what they are about."""

import json

import pytest

from harness.manifest.model import Losses, Scale
from tests.chain import Chain, changed

steps = Chain("seam")
TRAININGS = ("train-cam", "train-aff", "train-final")


@pytest.mark.parametrize("losses", list(Losses))
def test_each_loss_brings_its_own_arguments(losses: Losses) -> None:
    argv = steps(losses)["train-cam"].argv
    assert ("--isl_weight" in argv) == ("isl" in losses.injected)
    assert ("--fsl_weight" in argv) == ("fsl" in losses.injected)
    assert ("--losses_mode" in argv) == bool(losses.injected)


def test_the_way_losses_are_computed_does_not_touch_the_baseline() -> None:
    assert changed(steps(Losses.NONE), steps(Losses.NONE, losses_mode="reference")) == set()
    assert "train-cam" in changed(steps(), steps(losses_mode="reference"))


def test_alphas_reach_the_affinity_labels_and_what_follows() -> None:
    found = changed(steps(), steps(alphas="4-24"))
    assert "infer-cam" in found
    assert not {"lists", "train-cam", "infer-cam-val", "score-cam-val"} & set(found)


def test_option_sets_the_gpus_of_stage_7_at_paper_scale_alone() -> None:
    one, two = steps()["train-final"], steps(final_gpus="2")["train-final"]
    assert (one.resources.gpus, one.env["HARNESS_GPUS"]) == (1, "1")
    assert (two.resources.gpus, two.env["HARNESS_GPUS"]) == (2, "2")
    assert steps(final_gpus="2")["predict"].resources.gpus == 1
    assert steps(scale=Scale.SMOKE, final_gpus="2")["train-final"].resources.gpus == 0
    assert changed(steps(), steps(final_gpus="2")) == {"train-final", "predict", "score-final"}


@pytest.mark.parametrize(("reach", "seeds"), [("2+5+7", (3, 3, 3)), ("2", (3, 1, 1))])
def test_the_seed_reaches_the_chosen_stages(reach: str, seeds: tuple[int, ...]) -> None:
    bound = steps(seed_reach=reach)
    assert tuple(bound[name].seed for name in TRAININGS) == seeds
    assert all(step.seed is None for name, step in bound.items() if name not in TRAININGS)


@pytest.mark.parametrize("scale", [one for one in Scale if one is not Scale.DEMO])
def test_segmentation_settings_are_json_in_which_places_stand(scale: Scale) -> None:
    for name in ("train-final", "predict"):
        settings = json.loads(steps(scale=scale)[name].env["HARNESS_SSC_CONFIG"])
        assert settings["DATA_WORKERS"] == (0 if scale.on_cpu else 4)


@pytest.mark.parametrize("scale", [one for one in Scale if one is not Scale.DEMO])
def test_the_final_checkpoint_is_linked_under_the_name_it_will_have(scale: Scale) -> None:
    step = steps(scale=scale)["train-final"]
    iterations = json.loads(step.env["HARNESS_SSC_CONFIG"])["TRAIN_ITERATION"]
    name = f"deeplabv1_resnet38_VOCDataset_itr{iterations}_all.pth"
    assert step.links[f"model/seamv1-pseudovoc/{name}"] == "{out}/final.pth"
