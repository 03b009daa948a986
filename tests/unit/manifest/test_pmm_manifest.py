"""steps.method's options reach just what they are about."""

import json

import pytest

from harness.manifest.model import Losses, Scale
from tests.chain import Chain, changed

steps = Chain("pmm")
CAM = ("train-ms", "train-mc")
SEGMENTATION = ("train-pus", "train-final")
AFTER_PUS = {"choose-pus", "cyclic-labels", "train-final", "choose-final", "predict", "score-final"}


@pytest.mark.parametrize("losses", list(Losses))
@pytest.mark.parametrize(
    ("stages", "reached"), [("both", CAM), ("ms", CAM[:1]), ("mc", CAM[1:]), (None, CAM)]
)
def test_each_loss_brings_its_arguments_to_the_chosen_trainings(
    losses: Losses, stages: str | None, reached: tuple[str, ...]
) -> None:
    bound = steps(losses, **({"losses_stages": stages} if stages else {}))
    for name in CAM:
        parts = losses.injected if name in reached else ()
        assert ("--isl_weight" in bound[name].argv) == ("isl" in parts)
        assert ("--fsl_weight" in bound[name].argv) == ("fsl" in parts)
        assert ("--losses_mode" in bound[name].argv) == bool(parts)
        assert ("losses" in bound[name].packages) == bool(parts)


def test_losses_of_the_second_training_leave_the_first_to_be_shared() -> None:
    found = changed(steps(Losses.NONE), steps(losses_stages="mc"))
    assert "train-mc" in found
    assert not {"train-ms", "infer-ms"} & found


def test_the_way_losses_are_computed_does_not_touch_the_baseline() -> None:
    assert changed(steps(Losses.NONE), steps(Losses.NONE, losses_mode="reference")) == set()
    assert "train-ms" in changed(steps(), steps(losses_mode="reference"))


@pytest.mark.parametrize(("reach", "seeds"), [("2+7", (3, 3, 3, 3)), ("2", (3, 3, 1, 1))])
def test_the_seed_reaches_the_chosen_stages(reach: str, seeds: tuple[int, ...]) -> None:
    bound = steps(seed_reach=reach)
    assert tuple(bound[name].seed for name in (*CAM, *SEGMENTATION)) == seeds
    assert all(step.seed is None for name, step in bound.items() if not name.startswith("train-"))
    for name, seed in zip(SEGMENTATION, seeds[2:], strict=True):
        argv = bound[name].argv
        assert argv[argv.index("--seed") + 1] == str(seed)


def test_the_under_fitting_test_looks_at_two_images_unless_told() -> None:
    default, other = steps(), steps(pus_group="process")
    assert default["train-pus"].env["HARNESS_PUS_GROUP"] == "2"
    assert other["train-pus"].env["HARNESS_PUS_GROUP"] == "process"
    assert changed(default, other) == {"train-pus"} | AFTER_PUS
    hooked = {name for name, step in default.items() if "mmseg" in step.packages}
    assert hooked == {"train-pus", "cyclic-labels", "predict"}
    assert "HARNESS_PUS_GROUP" not in default["train-final"].env


def test_predictions_take_neither_memory_nor_disk() -> None:
    for name in ("cyclic-labels", "predict"):
        resources = steps()[name].resources
        assert (resources.memory_gb, resources.disk_gb) == (16, 0.2)


def test_the_crops_of_all_workers_fit() -> None:
    crops = 236 * 3 * 448 * 448 * 4 / 1e9  # GB, of the largest picture
    for name in ("infer-mc", "infer-mc-val"):
        step = steps()[name]
        assert step.resources.shm_gb > 2 * step.workers * crops  # each has two pictures ready
        assert step.resources.memory_gb == 40


def test_a_training_is_validated_only_where_the_best_is_chosen() -> None:
    default, other = steps(), steps(pus_checkpoint="last", final_checkpoint="best")
    assert "--no-validate" not in default["train-pus"].argv + other["train-final"].argv
    assert "--no-validate" in default["train-final"].argv
    assert "--no-validate" in other["train-pus"].argv
    assert changed(default, steps(pus_checkpoint="last")) == {"train-pus"} | AFTER_PUS
    assert changed(default, steps(final_checkpoint="best")) == AFTER_PUS - {
        "choose-pus",
        "cyclic-labels",
    }


def test_options_that_look_at_masks_say_so() -> None:
    marked = {name for name, option in steps.method.options.items() if option.uses_masks}
    assert marked == {"pus-checkpoint", "final-checkpoint"}


def test_gpus_of_stage_7_share_one_batch_at_paper_scale_alone() -> None:
    for count in ("1", "8"):
        step = steps(final_gpus=count)["train-pus"]
        assert step.resources.gpus == int(count)
        assert step.argv[step.argv.index("--count") + 1] == count
        assert step.env["HARNESS_MMCV_BATCH"] == "16"
    assert changed(steps(), steps(final_gpus="8")) == {"train-pus"} | AFTER_PUS
    smoke = steps(scale=Scale.SMOKE, final_gpus="8")["train-pus"]
    assert smoke.argv[smoke.argv.index("--count") + 1] == "0"


def test_gpus_of_the_first_training_reach_no_other_step_of_stage_2() -> None:
    assert {steps(cam_gpus=count)["train-ms"].resources.gpus for count in ("1", "4", "8")} == {
        1,
        4,
        8,
    }
    assert steps(cam_gpus="8")["train-mc"].resources.gpus == 1


@pytest.mark.parametrize("scale", [one for one in Scale if one is not Scale.DEMO])
def test_segmentation_settings_are_json_with_the_scales_numbers(scale: Scale) -> None:
    bound = steps(scale=scale)
    crop, sizes = (512, [2048, 512]) if scale is not Scale.SMOKE else (32, [128, 32])
    for name in SEGMENTATION:
        settings = json.loads(bound[name].env["HARNESS_MMCV_CONFIG"])
        assert settings["data.train.pipeline.RandomCrop.crop_size"] == [crop, crop]
        assert settings["data.val.pipeline.MultiScaleFlipAug.img_scale"] == sizes
    for name in ("cyclic-labels", "predict"):
        settings = json.loads(bound[name].env["HARNESS_MMCV_CONFIG"])
        assert settings["data.test.pipeline.MultiScaleFlipAug.img_scale"] == sizes
        assert bound[name].links[settings["test_cfg.pred_output_path"]] == "{out}/labels"


def test_labels_of_the_two_segmentation_trainings_come_from_where_they_should() -> None:
    bound = steps()
    names = {step.key: name for name, step in bound.items()}
    links = {name: bound[name].links for name in SEGMENTATION}
    assert links["train-pus"]["data/voc12/VOC2012/ppmg"] == "{in.labels}"
    assert links["train-final"]["data/voc12/VOC2012/cyclic_mask"] == "{in.labels}"
    origins = [names[bound[name].inputs["labels"].ref] for name in SEGMENTATION]
    assert origins == ["infer-mc", "cyclic-labels"]
