"""Patched deeplab-pytorch against deeplab-pytorch as it is pinned: training, predictions, CRF.

The pinned script builds integer tensors from lists of float arrays, which Python took before 3.10.
So it runs here, unchanged, under a wrapper that does that one conversion.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.golden import PROJECT
from tests.integration.upstream_lab import MARKS, Lab, Trace, Variant, differing, open_lab, training

pytestmark = MARKS
STEPS = 2
PLACE = "voc12/deeplabv2_resnet101_msc"
SETTINGS = (
    "EXP.OUTPUT_DIR=results DATASET.ROOT=data DATASET.SCALES=[0.5,1.0] IMAGE.SIZE.TRAIN=33 "
    "MODEL.INIT_MODEL=init.pth SOLVER.BATCH_SIZE.TRAIN=1 SOLVER.ITER_SIZE=2 "
    f"SOLVER.ITER_MAX={STEPS} SOLVER.LR=0.001 SOLVER.LR_DECAY=1"
)
#: Integer tensors from float arrays, number by number, as Python below 3.10 made them.
OLD_PYTHON = """
import runpy, sys, torch
sys.path.insert(0, ".")
torch.LongTensor = lambda rows: torch.tensor([row.tolist() for row in rows]).to(torch.int64)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
#: Whether the CRF sees the photographs that lie in the data set.
SEEN_BY_CRF = """
import runpy, sys, cv2, numpy
sys.path.insert(0, ".")
import libs.utils
files = [line.split()[0] for line in open("data/VOC2012/ImageSets/SegmentationAug/val.txt")]
photographs = [cv2.imread("data/VOC2012" + file) for file in files]
infer = libs.utils.DenseCRF.__call__
def record(self, image, probabilities):
    print("photograph:", any(numpy.array_equal(image, one) for one in photographs))
    return infer(self, image, probabilities)
libs.utils.DenseCRF.__call__ = record
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def variant(tree: str, *, seed: int = 1, init: str = "coco", workers: int = 0) -> Variant:
    """A training from init.pth."""
    script = ("{lab}/old_python.py", "main.py") if tree == "pristine" else ("main.py",)
    config = "{lab}/config.yaml" if tree == "pristine" else "configs/voc12.yaml"
    return Variant(
        tree,
        (*script, "train", "--config-path", config, "--cpu"),
        f"results/models/{PLACE}/train_aug/checkpoint_final.pth",
        seed=seed,
        env={"HARNESS_DEEPLAB": f"{SETTINGS} DATALOADER.NUM_WORKERS={workers}"},
        links={"init.pth": f"{{lab}}/{init}.pth", "data/VOC2012": "{lab}/data"},
    )


VARIANTS = {
    "pristine": variant("pristine"),
    "patched": variant("patched"),
    "again": variant("patched"),
    "seed-2": variant("patched", seed=2),
    "workers": variant("patched", workers=1),
    "workers-again": variant("patched", workers=1),
    "workers-seed-2": variant("patched", seed=2, workers=1),
    "imagenet": variant("patched", init="imagenet"),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, require: Callable[[bool, str], None]) -> Lab:
    """Make trees, data and weights once; SIPE's environment has what deeplab-pytorch needs."""
    packages = ("glue", "torchnet", "tensorboard")
    made = open_lab(tmp_path_factory.mktemp("deeplab"), "sipe", packages, require)
    part = yaml.safe_load(PROJECT.shared_steps("resnet101").read_text())
    made.checkout("pristine", "deeplab-pytorch")
    made.checkout("patched", "deeplab-pytorch", part["repositories"]["deeplab-pytorch"])
    lists = made.checkout("seam", "SEAM") / "voc12"
    made.draw(lists, train=2 * STEPS, val=2, size=(48, 40))
    _lay_out(made.root)
    for name, network in (("coco", "resnet101-deeplab"), ("imagenet", "resnet101")):
        made.tool("random_weights", "--network", network, "--out", "weights.pth")
        names = "deeplab" if name == "coco" else "torchvision"
        given = ("--names", names, "--weights", "weights.pth", "--out", f"{name}.pth")
        made.tool("deeplab", *given)
    (made.root / "old_python.py").write_text(OLD_PYTHON)
    (made.root / "seen_by_crf.py").write_text(SEEN_BY_CRF)
    merge = "import sys, omegaconf as o; c = o.OmegaConf.load(sys.argv[1]); "
    merge += "c.merge_with_dotlist(sys.argv[3:]); o.OmegaConf.save(c, sys.argv[2])"
    given = ("pristine/configs/voc12.yaml", "config.yaml", *SETTINGS.split())
    made.call("-c", merge, *given, cwd=made.root)
    return made


def _lay_out(root: Path) -> None:
    """VOC as deeplab-pytorch reads it: masks, and lists of pairs."""
    places = {
        "JPEGImages": root / "VOC2012" / "JPEGImages",
        "SegmentationClassAug": root / "VOC2012" / "SegmentationClass",
        "ImageSets/SegmentationAug/train_aug.txt": root / "lists" / "lines" / "train.txt",
        "ImageSets/SegmentationAug/val.txt": root / "lists" / "lines" / "val.txt",
    }
    for place, target in places.items():
        (root / "data" / place).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / place).symlink_to(target)


@pytest.fixture(scope="module")
def trace(lab: Lab) -> Iterator[Callable[[str], Trace]]:
    """Train each variant once."""
    with training(lab, VARIANTS) as wait:
        yield wait


def test_patched_training_computes_the_same_bits(trace: Callable[[str], Trace]) -> None:
    """Settings by variable instead of file: as pinned, and nothing of ours is imported."""
    patched, pristine = trace("patched"), trace("pristine")
    assert len(pristine.losses) == 2 * STEPS  # two batches for each step of the optimiser
    assert patched.losses == pristine.losses
    assert patched.tensors == pristine.tensors
    assert patched.ours == ()


def test_a_training_is_finite_and_moves_the_network(trace: Callable[[str], Trace]) -> None:
    """Different initial weights and different pictures leave different convolutions."""
    found = trace("patched")
    assert all(math.isfinite(loss) for loss in found.losses)
    moved = differing(found, trace("seed-2"))
    assert {"base.aspp.c0.weight", "base.layer1.conv1.conv.weight"} <= moved
    assert not any(".bn." in name for name in moved)  # frozen


@pytest.mark.parametrize("workers", ["", "workers-"])
def test_the_seed_decides(trace: Callable[[str], Trace], workers: str) -> None:
    """Equal for a seed, different for another, with and without loader workers."""
    first = trace("workers" if workers else "patched")
    assert differing(first, trace(f"{workers}again")) == set()
    assert first.losses == trace(f"{workers}again").losses
    assert first.losses[0] != trace(f"{workers}seed-2").losses[0]


def test_both_initial_weights_train_frozen_statistics_of_their_own(
    trace: Callable[[str], Trace],
) -> None:
    """The ImageNet file reaches the network too."""
    assert "base.layer1.conv1.conv.weight" in differing(trace("patched"), trace("imagenet"))
    assert math.isfinite(trace("imagenet").losses[-1])


@dataclass(frozen=True)
class Predicted:
    """Folders that one tree's `test` and `crf` left, and what they printed."""

    results: Path
    labels: Path  # empty where the tree writes none
    crf_labels: Path
    printed: str

    def score(self, name: str) -> float:
        """The mean IoU that the script found."""
        file = self.results / "scores" / PLACE / "val" / name
        return float(json.loads(file.read_text())["Mean IoU"])

    def logits(self) -> dict[str, bytes]:
        """What the script keeps for the CRF."""
        folder = self.results / "features" / PLACE / "val" / "logit"
        return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def predict(lab: Lab) -> Callable[..., Predicted]:
    """Predict and apply the CRF in a tree with a network of random weights."""
    lab.call("-c", _RANDOM_NETWORK, cwd=lab.root / "patched")

    def run(tree: str, image: str = "wrapped") -> Predicted:
        config = "../config.yaml" if tree == "pristine" else "configs/voc12.yaml"
        work = lab.root / tree
        (work / "data").mkdir(exist_ok=True)
        if not (work / "data" / "VOC2012").exists():
            (work / "data" / "VOC2012").symlink_to(lab.root / "data")
        folders = [lab.root / f"{tree}-{image}-{kind}" for kind in ("results", "labels", "crf")]
        for folder in folders:
            folder.mkdir()
        if (work / "results").is_symlink():
            (work / "results").unlink()
        (work / "results").symlink_to(folders[0])
        env = {"HARNESS_DEEPLAB": SETTINGS, "HARNESS_CRF_IMAGE": image}
        given = ("--config-path", config)
        test = ("main.py", "test", *given, "--model-path", "../network.pth", "--cpu")
        lab.call(*test, cwd=work, env=env | {"HARNESS_LABELS": str(folders[1])})
        crf = ("../seen_by_crf.py", "main.py", "crf", *given, "--n-jobs", "1")
        printed = lab.call(*crf, cwd=work, env=env | {"HARNESS_LABELS": str(folders[2])})
        return Predicted(*folders, printed)

    return run


_RANDOM_NETWORK = """
import torch
import libs.models
network = libs.models.DeepLabV2_ResNet101_MSC(n_classes=21)
network.base.load_state_dict(torch.load("../coco.pth"), strict=False)
for name, value in network.named_parameters():
    if "aspp" in name:
        torch.nn.init.normal_(value, std=0.3)
torch.save(network.state_dict(), "../network.pth")
"""


def test_labels_are_what_the_script_scores(lab: Lab, predict: Callable[..., Predicted]) -> None:
    """Equal logits and scores with the patches; the PNGs give the same scores."""
    pristine, wrapped = predict("pristine"), predict("patched")
    assert pristine.logits() == wrapped.logits()
    assert len(wrapped.logits()) == 2
    for name, labels in (("scores.json", wrapped.labels), ("scores_crf.json", wrapped.crf_labels)):
        assert wrapped.score(name) == pristine.score(name)
        assert _mean_iou(labels, lab.root / "VOC2012") == pytest.approx(wrapped.score(name))
    assert not list(pristine.labels.iterdir())
    assert _read(wrapped.labels).keys() == _read(wrapped.crf_labels).keys()
    assert any(
        not np.array_equal(label, _read(wrapped.crf_labels)[name])
        for name, label in _read(wrapped.labels).items()
    )
    assert "photograph: True" not in wrapped.printed
    assert wrapped.printed.count("photograph: False") == 2


def test_the_restored_image_is_the_photograph(predict: Callable[..., Predicted]) -> None:
    """The option gives the CRF the pixels of the JPEG."""
    restored = predict("patched", "restored")
    assert restored.printed.count("photograph: True") == 2
    assert "photograph: False" not in restored.printed


def _read(folder: Path) -> dict[str, np.ndarray]:
    labels = {}
    for file in folder.iterdir():
        with Image.open(file) as image:
            labels[file.stem] = np.asarray(image)
    return labels


def _mean_iou(folder: Path, voc: Path) -> float:
    """Mean IoU over the classes that the masks show, void left out."""
    pairs = []
    for name, label in _read(folder).items():
        with Image.open(voc / "SegmentationClass" / f"{name}.png") as mask:
            pairs.append((np.asarray(mask).ravel(), label.ravel()))
    true, found = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
    true, found = true[true != 255], found[true != 255]
    shares = [
        np.mean((true == at) & (found == at)) / np.mean((true == at) | (found == at))
        for at in np.unique(true)
    ]
    return float(np.mean(shares))
