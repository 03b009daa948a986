"""Spatial-BCE's options reach just what they are about."""

from collections.abc import Mapping

import pytest

from harness.manifest.model import Losses, Scale
from tests.chain import Chain, changed

steps = Chain("spatial-bce")
PHASES = ("train-phase1", "train-phase2", "train-phase3")
TRAININGS = (*PHASES, "train-irn", "train-final", "train-deeplab")


def after(argv: tuple[str, ...], flag: str) -> str | None:
    """What follows a flag."""
    return argv[argv.index(flag) + 1] if flag in argv else None


def test_both_backbones_share_all_up_to_the_pseudo_labels() -> None:
    one, other = (planned.steps for planned in steps.plan().runs)
    shared = {name for name in one.keys() & other.keys() if one[name] == other[name]}
    assert {*PHASES, "cam-phase3", "infer-irn", "score-cam", "score-labels"} <= shared
    assert shared == one.keys() & other.keys()
    assert {"train-final", "train-deeplab"} <= one.keys() ^ other.keys()


@pytest.mark.parametrize("losses", list(Losses))
def test_each_loss_brings_its_own_arguments_to_each_phase(losses: Losses) -> None:
    bound = steps(losses)
    for name in PHASES:
        argv = bound[name].argv
        assert ("--isl_weight" in argv) == ("isl" in losses.injected)
        assert ("--fsl_weight" in argv) == ("fsl" in losses.injected)
        assert ("--losses_mode" in argv) == bool(losses.injected)


@pytest.mark.parametrize(
    "options",
    [
        {"losses_mode": "reference"},
        {"isl_base": "sum"},
        {"fsl_sigma": "4.2"},
        {"losses_phases": "1"},
    ],
)
def test_options_about_the_losses_do_not_touch_the_baseline(options: Mapping[str, str]) -> None:
    assert changed(steps(Losses.NONE), steps(Losses.NONE, **options)) == set()
    assert {"train-phase2", "cam-phase3", "train-final"} <= changed(steps(), steps(**options))


@pytest.mark.parametrize(("phases", "on"), [("1+2+3", "111"), ("1", "100"), ("3", "001")])
def test_losses_are_on_in_the_chosen_phases(phases: str, on: str) -> None:
    bound = steps(losses_phases=phases)
    assert "".join(bound[name].env["HARNESS_INJECT"] for name in PHASES) == on


def test_each_phase_goes_on_from_the_one_before() -> None:
    bound = steps()
    for name, start, ratios in (
        ("train-phase2", "train-phase1", "ratios-phase1"),
        ("train-phase3", "train-phase2", "ratios-phase2"),
    ):
        assert bound[name].inputs["start"].ref == bound[start].key
        assert bound[name].inputs["ratios"].ref == bound[ratios].key
        assert bound[name].argv == bound["train-phase1"].argv
        assert bound[f"cam-{name[6:]}"].inputs["weights"].ref == bound[name].key


def test_ways_to_threshold_are_those_of_upstreams_two_scripts() -> None:
    adaptive, optimal = steps(), steps(threshold="optimal")
    assert changed(adaptive, optimal) >= {"cam-phase1", "crf-phase1", "train-phase2", "cam-phase3"}
    assert "train-phase1" not in changed(adaptive, optimal)
    for phase in ("phase1", "phase2"):
        assert after(adaptive[f"cam-{phase}"].argv, "--adaptive_t") == "True"
        assert "--gt_path" not in adaptive[f"crf-{phase}"].argv
        assert "--adaptive_t" not in optimal[f"cam-{phase}"].argv
        assert after(optimal[f"crf-{phase}"].argv, "--gt_path") == "{in.voc}/SegmentationClass"
    assert steps.method.options["threshold"].uses_masks


def test_irn_reads_plain_or_thresholded_cams_of_phase_3() -> None:
    plain, thresholded = steps(), steps(irn_cams="thresholded")
    assert "--adaptive_t" not in plain["cam-phase3"].argv
    assert after(thresholded["cam-phase3"].argv, "--adaptive_t") == "True"
    found = changed(plain, thresholded)
    assert {"cam-phase3", "irn-cams", "infer-ir", "infer-irn", "score-cam"} <= found
    assert not found & {*PHASES, "cam-phase1", "cam-phase2"}


@pytest.mark.parametrize(
    ("step", "only"),
    [
        ("infer-ir", "cam_to_ir_label"),
        ("train-irn", "train_irn"),
        ("infer-irn", "make_sem_seg"),
    ],
)
def test_irn_runs_one_pass_for_the_images_of_trainaug(step: str, only: str) -> None:
    argv = steps()[step].argv
    passes = {"train_cam", "make_cam", "eval_cam", "cam_to_ir_label", "train_irn"}
    passes |= {"make_ins_seg", "eval_ins_seg", "make_sem_seg", "eval_sem_seg"}
    off = {word[2:].removesuffix("_pass=") for word in argv if word.endswith("_pass=")}
    assert passes - off == {only}
    flag = "--infer_list" if step == "infer-irn" else "--train_list"
    assert after(argv, flag) == "{in.ids}/trainaug.txt"


@pytest.mark.parametrize(("reach", "reached"), [("2+5+7", TRAININGS), ("2", PHASES)])
def test_the_seed_reaches_the_chosen_stages(reach: str, reached: tuple[str, ...]) -> None:
    seeds = {name: step.seed for name, step in steps(seed_reach=reach).items() if step.seed}
    assert seeds == {name: 3 if name in reached else 1 for name in TRAININGS}


def test_first_ratios_are_shipped_and_at_smoke_scale_drawn() -> None:
    paper, smoke = (steps(scale=scale)["first-ratios"].argv for scale in (Scale.PAPER, Scale.SMOKE))
    assert after(paper, "--given") == "{in.datasets}/voc12_init.npy"
    assert after(smoke, "--labels") == "{in.datasets}/cls_labels.npy"
    assert "--given" not in smoke


@pytest.mark.parametrize("step", ["infer-ir", "train-irn", "infer-irn"])
def test_irn_is_estimated_as_sipes_own_copy_of_it(step: str) -> None:
    assert steps()[step].resources == Chain("sipe")()[step].resources
