"""steps.method's options reach just what they are about."""

import pytest

from harness.manifest.model import Losses, Scale
from tests.chain import Chain, changed

steps = Chain("sipe", "res38")
large_steps = Chain("sipe", "res101")
TRAININGS = ("train-cam", "train-irn", "train-final")


@pytest.mark.parametrize("losses", list(Losses))
def test_each_loss_brings_its_own_arguments(losses: Losses) -> None:
    argv = steps(losses)["train-cam"].argv
    assert ("--isl_weight" in argv) == ("isl" in losses.injected)
    assert ("--fsl_weight" in argv) == ("fsl" in losses.injected)
    assert ("--losses_mode" in argv) == bool(losses.injected)


@pytest.mark.parametrize("option", [{"losses_mode": "reference"}, {"fsl_sigma": "2.5"}])
def test_how_losses_are_computed_does_not_touch_the_baseline(option: dict[str, str]) -> None:
    assert changed(steps(Losses.NONE), steps(Losses.NONE, **option)) == set()
    assert "train-cam" in changed(steps(), steps(**option))


def test_the_width_of_fsl_is_an_argument_and_none_of_isl() -> None:
    argv = steps(fsl_sigma="2.5")["train-cam"].argv
    assert argv[argv.index("--fsl_sigma") + 1] == "2.5"
    assert changed(steps(Losses.ISL), steps(Losses.ISL, fsl_sigma="2.5")) == set()


@pytest.mark.parametrize(("reach", "seeds"), [("2+5+7", (3, 3, 3)), ("2", (3, 1, 1))])
def test_the_seed_reaches_the_chosen_stages(reach: str, seeds: tuple[int, ...]) -> None:
    bound = steps(seed_reach=reach)
    assert tuple(bound[name].seed for name in TRAININGS) == seeds
    assert all(step.seed is None for name, step in bound.items() if name not in TRAININGS)
    argv = bound["train-cam"].argv
    assert argv[argv.index("--seed") + 1] == "3"
    assert large_steps(seed_reach=reach)["train-deeplab"].seed == seeds[-1]


def test_both_backbones_share_stages_1_to_6() -> None:
    small, large = steps(), large_steps()
    early = {name for name, step in small.items() if step.stage <= 6 and step.name in large}
    assert {"train-cam", "infer-cam", "infer-ir", "train-irn", "infer-irn"} <= early
    assert all(small[name].key == large[name].key for name in early)


def test_cams_and_their_labels_are_made_of_every_training_image() -> None:
    for name in ("infer-cam", "infer-ir"):
        assert steps()[name].links["run/data/train_voc.txt"] == "{in.lines}/trainaug.txt"
    assert steps()["train-cam"].links["run/data/train_voc.txt"] == "{in.lines}/train.txt"


@pytest.mark.parametrize("scale", [one for one in Scale if one is not Scale.DEMO])
def test_the_script_of_stage_4_gets_a_process_at_least(scale: Scale) -> None:
    argv = steps(scale=scale)["infer-ir"].argv
    assert int(argv[argv.index("--num_workers") + 1]) >= 1  # with 0 it writes nothing, unsaid
