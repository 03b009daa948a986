"""Patched SIPE against SIPE as it is pinned, and how far a seed decides its two trainings.

Its crop of 512 pixels is fixed as pinned, so that comparison runs at that size; the rest is small.
Equal means equal: every bit of every loss and of every tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from tests.integration.upstream_lab import MARKS, Lab, Trace, Variant, differing, open_lab, training

pytestmark = MARKS
IMAGES = 2
LISTS = "{lab}/lists/lines/trainaug.txt"
LINKS = {
    "run/data/cls_labels_voc.npy": "../../data/cls_labels_voc.npy",
    "run/data/trainaug_voc.txt": LISTS,
    "run/data/train_voc.txt": LISTS,
    "run/exp/ir_label": "{lab}/ir_label",
    "run/exp/ckpt/irn.pth": "../../irn.pth",
    "PascalVOC2012/VOCdevkit/VOC2012": "{lab}/VOC2012",
}
FULL = ("--batch_size", "1", "--max_epoches", "1")
SMALL = ("--batch_size", "2", "--max_epoches", "3", "--crop_size", "64")
REFERENCE = ("--losses_mode", "reference")
ISL, FSL = ("--isl_weight", "0.2"), ("--fsl_weight", "1")


def cam(*arguments: str, tree: str = "patched", seed: int = 1) -> Variant:
    """A training of the CAM network."""
    argv = ("../train_resnet50_SIPE.py", "--seed", str(seed), "--num_workers", "0", *arguments)
    return variant(tree, argv, "exp/ckpt/final.pth", seed)


def irn(seed: int) -> Variant:
    """A training of IRN."""
    argv = ("../train_irn.py", "--num_workers", "0", "--irn_batch_size", "2")
    argv += ("--irn_crop_size", "96", "--irn_num_epoches", "2")
    return variant("patched", argv, "irn.pth", seed)


def variant(tree: str, argv: tuple[str, ...], checkpoint: str, seed: int) -> Variant:
    """A training in folder `run` of the tree, as the chain has it."""
    env = {"TORCH_HOME": "{lab}/torch"}
    return Variant(tree, argv, checkpoint, seed=seed, cwd="run", env=env, links=LINKS)


VARIANTS = {
    "pristine": cam(*FULL, tree="pristine"),
    "full": cam(*FULL),
    "off": cam(*SMALL),
    "again": cam(*SMALL),
    "seed-2": cam(*SMALL, seed=2),
    "isl": cam(*SMALL, *ISL),
    "fsl": cam(*SMALL, *FSL),
    "fsl-reference": cam(*SMALL, *FSL, *REFERENCE),
    "both": cam(*SMALL, *ISL, *FSL),
    "both-again": cam(*SMALL, *ISL, *FSL),
    "irn": irn(1),
    "irn-again": irn(1),
    "irn-seed-2": irn(2),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, require: Callable[[bool, str], None]) -> Lab:
    """Make trees, data, labels for IRN and weights once."""
    packages = ("losses", "glue", "chainercv")
    made = open_lab(tmp_path_factory.mktemp("sipe"), "sipe", packages, require)
    made.pristine_and_patched("SIPE", "sipe")
    made.draw(made.checkout("SEAM", "SEAM") / "voc12", train=IMAGES, val=1, size=(76, 40))
    weights = made.root / "torch" / "hub" / "checkpoints" / "resnet50-19c8e357.pth"
    made.tool("random_weights", "--network", "resnet50", "--out", str(weights))
    (made.root / "ir_label").mkdir()
    for mask in (made.root / "VOC2012" / "SegmentationClass").iterdir():
        with Image.open(mask) as image:
            Image.fromarray(np.asarray(image)).save(made.root / "ir_label" / mask.name)
    return made


@pytest.fixture(scope="module")
def trace(lab: Lab) -> Iterator[Callable[[str], Trace]]:
    """Train each variant once."""
    with training(lab, VARIANTS) as wait:
        yield wait


def test_losses_off_computes_the_same_bits(trace: Callable[[str], Trace]) -> None:
    """As pinned, the crop's new argument at its default included."""
    found, expected = trace("full"), trace("pristine")
    assert len(expected.losses) == IMAGES
    assert found.losses == expected.losses
    assert found.tensors == expected.tensors


def test_losses_off_imports_nothing_of_ours(trace: Callable[[str], Trace]) -> None:
    """The switch keeps harness out of the baseline."""
    assert trace("full").ours == trace("off").ours == ()
    assert "harness.losses" in trace("both").ours


@pytest.mark.parametrize("name", ["isl", "fsl", "fsl-reference", "both"])
def test_losses_change_what_the_classifier_learns_from(
    trace: Callable[[str], Trace], name: str
) -> None:
    """Each loss is finite and moves what the classification loss reaches, nothing below."""
    found, off = trace(name), trace("off")
    assert all(math.isfinite(loss) for loss in found.losses)
    assert found.losses[0] != off.losses[0]
    moved = differing(found, off)
    assert {"net/classifier.weight", "net/resnet50.layer3.0.conv1.weight"} <= moved
    assert not any(
        name.startswith(("net/resnet50.layer1", "net/resnet50.layer2")) for name in moved
    )


def test_exact_mode_agrees_with_reference_mode(trace: Callable[[str], Trace]) -> None:
    """FSL draws nothing, so that both modes train on equal numbers but for rounding."""
    assert trace("fsl").losses == pytest.approx(trace("fsl-reference").losses, rel=1e-4)


@pytest.mark.parametrize(("one", "other"), [("off", "again"), ("both", "both-again")])
def test_an_equal_seed_gives_equal_tensors(
    trace: Callable[[str], Trace], one: str, other: str
) -> None:
    """With and without the losses."""
    assert trace(one) == trace(other)


def test_another_seed_gives_another_training(trace: Callable[[str], Trace]) -> None:
    """SIPE's own argument."""
    assert "net/classifier.weight" in differing(trace("off"), trace("seed-2"))


def test_the_seed_reaches_irn(trace: Callable[[str], Trace]) -> None:
    """Which seeds nothing itself."""
    assert trace("irn") == trace("irn-again")
    assert "fc_edge6.weight" in differing(trace("irn"), trace("irn-seed-2"))
