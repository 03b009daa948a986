"""Patched Spatial-BCE and irn against both as they are pinned: three steps of each training.

Equal means equal: every bit of every loss and of every tensor.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.integration.upstream_lab import MARKS, Lab, Trace, Variant, differing, open_lab, training

pytestmark = MARKS
STEPS = 3
ISL, FSL = ("--isl_weight", "0.2"), ("--fsl_weight", "1")
HEAD = "fc_list.14.weight"  # the classifier of class person
PASSES = "train_cam make_cam eval_cam cam_to_ir_label make_ins_seg eval_ins_seg make_sem_seg eval_sem_seg"


def phase(tree: str, *arguments: str, seed: int = 1, ratios: str = "ratios", **env: str) -> Variant:
    """A phase of Spatial-BCE's training."""
    options = {"session_name": "cam", "data_dir": "{lab}/VOC2012/JPEGImages", "num_workers": "0"}
    options |= {"pretrain": "{lab}/start.pth", "fg_path": f"{{lab}}/{ratios}.npy"}
    options |= {"image_size": "33", "batch_size": "2", "num_epochs": "1"}
    argv = ("train.py", *(f"--{name}={value}" for name, value in options.items()), *arguments)
    return Variant(tree, argv, "results/cam/cam-voc12-final.pth", seed=seed, env=env)


def patched(*arguments: str, **more: str) -> Variant:
    """A phase as the chain trains it."""
    return phase("patched", *arguments, HARNESS_FINAL_ONLY="1", **more)


def irn(tree: str, names: str, seed: int = 1) -> Variant:
    """irn's training on labels."""
    options = {"voc12_root": "{lab}/VOC2012", "ir_label_out_dir": "{lab}/blank/labels"}
    options |= dict.fromkeys(("train_list", "infer_list"), f"{{lab}}/{names}")
    options |= {"irn_crop_size": "80", "irn_batch_size": "2", "irn_num_epoches": "1"}
    options |= {"num_workers": "0", "irn_weights_name": "irn.pth"}
    off = (f"--{name}_pass=" for name in PASSES.split())
    argv = ("run_sample.py", *off, *(f"--{name}={value}" for name, value in options.items()))
    return Variant(tree, argv, "irn.pth", seed=seed, env={"TORCH_HOME": "{lab}/torch"})


VARIANTS = {
    "pristine": phase("pristine"),
    "off": patched(),
    "again": patched(),
    "seed-2": phase("patched", seed=2),
    "isl": patched(*ISL),
    "isl-sum": patched(*ISL, "--isl_base=sum"),
    "fsl": patched(*FSL),
    "both": patched(*ISL, *FSL),
    "both-again": patched(*ISL, *FSL),
    "both-elsewhere": patched(*ISL, *FSL, HARNESS_INJECT="0"),
    "whole": patched(ratios="whole"),
    "irn-pristine": irn("irn-pristine", "digits.txt"),
    "irn": irn("irn", "lists/ids/train.txt"),
    "irn-again": irn("irn", "lists/ids/train.txt"),
    "irn-seed-2": irn("irn", "lists/ids/train.txt", seed=2),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, require: Callable[[bool, str], None]) -> Lab:
    """Make trees, data and weights once."""
    root = tmp_path_factory.mktemp("spatial-bce")
    made = open_lab(root, "spatial-bce", ("losses", "glue"), require)
    made.pristine_and_patched("Spatial-BCE", "spatial-bce")
    made.checkout("irn-pristine", "irn")
    made.checkout("irn", "irn", made.context.method("spatial-bce").repositories["irn"])
    made.checkout("SEAM", "SEAM")
    made.draw(root / "SEAM" / "voc12", train=2 * STEPS, val=1, size=(48, 40))
    for tree in ("pristine", "patched"):
        shutil.copy(root / "lists" / "lines" / "train.txt", root / tree / "datasets/train_aug.txt")
    names = root / "lists" / "ids" / "train.txt"
    (root / "digits.txt").write_text(names.read_text().replace("_", ""))
    labels = f"--labels={root / 'pristine' / 'datasets' / 'cls_labels.npy'}"
    for file, share in (("ratios", "0.25"), ("whole", "1")):
        options = (f"--ids={names}", f"--share={share}", f"--out={file}.npy")
        made.tool("first_ratios", labels, *options)
    made.tool("blank_labels", f"--list={names}", "--images=VOC2012/JPEGImages", "--out=blank")
    made.tool("random_weights", "--network=resnet38-torch", "--out=start.pth")
    resnet50 = "torch/hub/checkpoints/resnet50-19c8e357.pth"
    made.tool("random_weights", "--network=resnet50", f"--out={resnet50}")
    return made


@pytest.fixture(scope="module")
def trace(lab: Lab) -> Iterator[Callable[[str], Trace]]:
    """Train each variant once."""
    with training(lab, VARIANTS) as wait:
        yield wait


@pytest.mark.parametrize(("ours", "theirs"), [("off", "pristine"), ("irn", "irn-pristine")])
def test_patched_scripts_compute_the_same_bits(
    trace: Callable[[str], Trace], ours: str, theirs: str
) -> None:
    """Losses off: as pinned."""
    found, expected = trace(ours), trace(theirs)
    assert len(expected.losses) == STEPS
    assert found == expected
    assert found.ours == ()


def test_phases_without_losses_are_trained_as_the_baseline(trace: Callable[[str], Trace]) -> None:
    """Option losses-phases: nothing of ours runs in the other phases."""
    assert trace("both-elsewhere") == trace("off")
    assert "harness.losses" in trace("both").ours


@pytest.mark.parametrize("variant", ["isl", "isl-sum", "fsl", "both"])
def test_losses_change_what_is_trained(trace: Callable[[str], Trace], variant: str) -> None:
    """Each loss is finite and moves the parameters elsewhere than the baseline."""
    found, off = trace(variant), trace("off")
    assert all(math.isfinite(loss) for loss in found.losses)
    assert found.losses[0] != off.losses[0]
    assert {HEAD, "b7.conv_branch1.weight"} <= differing(found, off)


def test_isl_takes_its_share_of_the_chosen_loss(trace: Callable[[str], Trace]) -> None:
    """Equal draws: the sum's first loss is lower, by ISL's share of the KL term."""
    alone, summed = (trace(name).losses[0] for name in ("isl", "isl-sum"))
    assert alone > summed


@pytest.mark.parametrize(
    ("first", "again", "other", "moved"),
    [("off", "again", "seed-2", HEAD), ("irn", "irn-again", "irn-seed-2", "fc_edge6.weight")],
)
def test_the_seed_alone_decides(
    trace: Callable[[str], Trace], first: str, again: str, other: str, moved: str
) -> None:
    """Equal seeds give equal tensors; another seed gives others."""
    assert trace(again) == trace(first)
    assert moved in differing(trace(other), trace(first))


def test_the_seed_decides_with_losses_too(trace: Callable[[str], Trace]) -> None:
    """ISL draws from a generator of its own, which the seed sets."""
    assert trace("both-again") == trace("both")


def test_a_class_may_cover_the_whole_picture(trace: Callable[[str], Trace]) -> None:
    """Ratios of 1, which phase 1 may well produce, stop the pinned script."""
    assert all(math.isfinite(loss) for loss in trace("whole").losses)
