"""The ResNet-101 part: its options reach just what they are about, the test split is optional."""

from collections.abc import Mapping

import pytest

from harness.manifest.model import Losses, Scale
from harness.plan.plan import BoundStep
from tests.chain import Chain, changed

CHAINS = {asked: Chain("spatial-bce", "res101", with_test=asked) for asked in (False, True)}
TEST = {"lists-test", "blank-test", "predict-deeplab-test", "crf-deeplab-test"}
#: The part's steps from its training on.
TAIL = {
    *("train-deeplab", "predict-deeplab", "crf-deeplab", "score-deeplab", "score-deeplab-plain"),
    *("predict-deeplab-test", "crf-deeplab-test"),
}


def steps(
    scale: Scale = Scale.PAPER, *, with_test: bool = True, **options: str
) -> Mapping[str, BoundStep]:
    """The bound steps of the baseline with this backbone, by name."""
    return CHAINS[with_test](Losses.NONE, scale, **options)


def settings(step: BoundStep) -> dict[str, str]:
    """What the step sets in upstream's configuration."""
    pairs = (item.partition("=") for item in step.env["HARNESS_DEEPLAB"].split())
    return {name: value for name, equals, value in pairs if equals}


@pytest.mark.parametrize(
    ("init", "asset", "names"),
    [("coco", "resnet101-coco", "deeplab"), ("imagenet", "resnet101-imagenet", "torchvision")],
)
def test_the_initial_weights_are_chosen_with_their_names(init: str, asset: str, names: str) -> None:
    step = steps(resnet101_init=init)["init-deeplab"]
    assert step.inputs["weights"].ref == asset
    assert step.argv[step.argv.index("--names") + 1] == names
    made = steps(Scale.SMOKE, resnet101_init=init)
    assert made["init-deeplab"].inputs["weights"].ref == made[f"make-{asset}"].key


def test_initial_weights_reach_the_training_and_what_follows() -> None:
    assert changed(steps(), steps(resnet101_init="imagenet")) == {"init-deeplab", *TAIL}


def test_which_predictions_count_changes_names_of_scores_alone() -> None:
    crf, plain = steps(), steps(deeplab_crf="plain")
    assert changed(crf, plain) == set()
    named = ("score-deeplab", "score-deeplab-plain")
    assert [crf[name].score for name in named] == ["final", "final-plain"]
    assert [plain[name].score for name in named] == ["final-crf", "final"]


def test_the_image_of_the_crf_reaches_the_crf_and_its_score() -> None:
    reached = {"crf-deeplab", "score-deeplab", "crf-deeplab-test"}
    assert changed(steps(), steps(crf_image="restored")) == reached


@pytest.mark.parametrize("scale", [one for one in Scale if one is not Scale.DEMO])
def test_settings_are_words_without_spaces(scale: Scale) -> None:
    for name in TAIL - {"score-deeplab", "score-deeplab-plain"}:
        step = steps(scale)[name]
        assert len(settings(step)) == len(step.env["HARNESS_DEEPLAB"].split())
        assert settings(step)["DATASET.ROOT"] == "data"
    training = settings(steps(scale)["train-deeplab"])
    iterations = {Scale.PAPER: "20000", Scale.REHEARSAL: "10"}
    assert training["SOLVER.ITER_MAX"] == iterations.get(scale, "2")
    assert training["DATALOADER.NUM_WORKERS"] == ("0" if scale.on_cpu else "4")


def test_one_gpu_at_paper_scale_and_the_cpu_at_smoke_scale() -> None:
    for name in ("train-deeplab", "predict-deeplab", "predict-deeplab-test"):
        paper, smoke = steps()[name], steps(Scale.SMOKE)[name]
        assert paper.resources.gpus == 1
        assert "--cpu" not in paper.argv
        assert "--cpu" in smoke.argv


def test_the_test_split_is_made_only_if_asked_for() -> None:
    assert steps().keys() - steps(with_test=False).keys() == TEST
    assert changed(steps(with_test=False), steps()) == set()
    assert {steps()[name].inputs["voc"].ref for name in TEST} == {"voc2012-test"}


def test_the_ids_of_the_test_split_are_seams() -> None:
    argv = steps()["lists-test"].argv
    assert argv[argv.index("--expect") + 1].startswith("test=1456:")
    assert "--expect" not in steps(Scale.SMOKE)["lists-test"].argv


def test_the_disk_of_the_training_holds_its_checkpoints() -> None:
    step = steps()["train-deeplab"]
    checkpoint = 44153876 * 4 / 1e9  # GB; four on the way and the last one
    assert 5 * checkpoint < step.resources.disk_gb < 6 * checkpoint
    assert checkpoint < step.disk_gb["weights"] < 2 * checkpoint
