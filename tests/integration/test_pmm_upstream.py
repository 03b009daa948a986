"""Patched PMM against PMM as it is pinned, and how far a seed decides the chain's four trainings.

Also what the hook for mmseg changes: memory of predictions, the under-fitting test per group. Batch and epochs of the multi-crop training are fixed as pinned, so that comparison runs on a list of
as many rows; the rest is small. Equal means equal: every bit of every loss and of every tensor.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.integration.upstream_lab import MARKS, Lab, Trace, Variant, differing, open_lab, training

pytestmark = MARKS
IMAGES = 4
SIZE = (48, 40)
ROWS, EPOCHS = 16, 20  # of the multi-crop training as pinned
IDS = "{lab}/lists/ids/train.txt"
RESULTS = "data/results/train"
LINKS = {
    "models/scalenet/weights/scalenet101.pth": "{lab}/scalenet101.pth",
    "data/results/test/voc12_wr38/train_mask": "{lab}/masks",
}
COMMON = (
    *("--voc12_root", "{lab}/VOC2012", "--cls_label", "{lab}/SEAM/voc12/cls_labels.npy"),
    *("--structure", "{lab}/ScaleNet/structures/scalenet101.json", "--num_workers", "0"),
)
SMALL = ("--mc_batch_size", "2", "--mc_max_epoches", "1", "--crop_size", "48")
REFERENCE = ("--losses_mode", "reference")
ISL, FSL = ("--isl_weight", "0.2"), ("--fsl_weight", "1")
#: What an mmseg training of two tiny steps needs beside its released configuration.
SETTINGS = {
    "dist_params.backend": "gloo",
    "data.workers_per_gpu": 0,
    "data.train.pipeline.Resize.img_scale": [256, 64],
    "data.train.pipeline.RandomCrop.crop_size": [64, 64],
    "data.train.pipeline.Pad.size": [64, 64],
    "data.val.pipeline.MultiScaleFlipAug.img_scale": [128, 32],
    "data.val.pipeline.MultiScaleFlipAug.img_ratios": [1.0],
    "evaluation.interval": 2,
    "runner.max_iters": 2,
    "checkpoint_config.interval": 2,
    "checkpoint_config.create_symlink": False,
}
#: Written by the numpy that reads them.
MASKS = """
import sys
import numpy as np
from PIL import Image
for name in sys.argv[1:]:
    labels = np.asarray(Image.open(f"labels/{name}.png"))
    np.save(f"masks/{name}.npy", {int(k): np.float32(labels == k) for k in np.unique(labels)})
"""
PREDICTIONS = Path(__file__).with_name("mmseg_predictions.py")
PREDICTED = 200  # pictures
#: The environment of a chain's step with one process.
ALONE = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}
ALONE |= {"MASTER_PORT": "0"}  # any free port
#: mmseg's loss and its gradient for 16 pictures at once, and the mean over eight times two of them:
#: even pairs are fitted well, and some of their pixels badly, so that the clamp changes them.
CLAMPS = """
import json
import torch
from mmseg.models.losses import CrossEntropyLoss

loss = CrossEntropyLoss(pus_type="clamp", pus_beta=0.5, pus_k=0.5, loss_weight=0.4)
generator = torch.Generator().manual_seed(1)
label = torch.randint(0, 21, (16, 64, 64), generator=generator)
label[:, :4] = 255
pred = torch.randn(16, 21, 64, 64, generator=generator)
right = torch.nn.functional.one_hot(label.clamp(max=20), 21).permute(0, 3, 1, 2).float()
fitted = torch.rand(16, 1, 64, 64, generator=generator) < 0.9
pred += 12 * right * fitted * (torch.arange(16) // 2 % 2 == 0).view(16, 1, 1, 1)

def of(pred, label):
    pred = pred.clone().requires_grad_()
    value = loss(pred, label, ignore_index=255)
    value.backward()
    return value.item(), pred.grad

whole, gradient = of(pred, label)
pairs = [of(pred[at : at + 2], label[at : at + 2]) for at in range(0, 16, 2)]
eight, gradients = sum(value for value, _ in pairs) / 8, torch.cat([one for _, one in pairs]) / 8
differ = (gradient - gradients).abs().max() / gradients.abs().max()
print(json.dumps({"whole": whole, "eight": eight, "gradients differ by": differ.item()}))
"""
VALIDATION = {
    f"data/VOCdevkit/VOC2012/{place}": f"{{lab}}/{target}"
    for place, target in (
        ("JPEGImages", "VOC2012/JPEGImages"),
        ("SegmentationClass", "VOC2012/SegmentationClass"),
        ("ImageSets/Segmentation", "lists/ids"),
    )
}


def multi_scale(*arguments: str, tree: str = "patched", seed: int = 1) -> Variant:
    """A training of the first CAM network."""
    argv = ("run.py", "--train_multi_scale", *COMMON, "--train_list", IDS)
    argv += ("--weights", "{lab}/resnet38.pth", "--batch_size", "2", "--max_epoches", "1")
    argv += ("--crop_size", "48", *arguments)
    return Variant(tree, argv, f"{RESULTS}/voc12_wr38.pth", seed=seed, links=LINKS)


def multi_crop(*arguments: str, tree: str = "patched", seed: int = 1, rows: str = IDS) -> Variant:
    """A training of the second CAM network."""
    argv = ("run.py", "--train_multi_crop", *COMMON, "--train_list", rows, *arguments)
    return Variant(tree, argv, f"{RESULTS}/voc12_s101_mc.pth", seed=seed, links=LINKS)


def segmentation(config: str, labels: str, seed: int = 1) -> Variant:
    """A training of PSPNet, as the chain launches it."""
    argv = ("tools/train.py", f"configs/pspnet_wsss/pspnet_wres38-d8_20k_voc12aug{config}.py")
    argv += ("--work-dir", "out", "--launcher", "pytorch", "--seed", str(seed))
    settings = {"HARNESS_MMCV_CONFIG": json.dumps(SETTINGS), "HARNESS_MMCV_BATCH": "2"}
    return Variant(
        "mmseg",
        (*argv, "--deterministic", "--no-validate"),
        "out/iter_2.pth",
        seed=seed,
        env={**ALONE, **settings},
        links={
            "tools/mmseg": "../mmseg",
            "data/models/res38d.pth": "{lab}/resnet38.pth",
            "data/voc12/VOC2012/JPEGImages": "{lab}/VOC2012/JPEGImages",
            f"data/voc12/VOC2012/{labels}": "{lab}/labels",
            "data/voc12/VOC2012/ImageSets/Segmentation/trainaug.txt": IDS,
        },
    )


FULL = ("--crop_size", "24")
VARIANTS = {
    "ms-pristine": multi_scale(tree="pristine"),
    "ms-off": multi_scale(),
    "ms-again": multi_scale(),
    "ms-seed-2": multi_scale(seed=2),
    "ms-isl": multi_scale(*ISL),
    "ms-fsl": multi_scale(*FSL),
    "ms-fsl-reference": multi_scale(*FSL, *REFERENCE),
    "ms-both": multi_scale(*ISL, *FSL),
    "ms-both-again": multi_scale(*ISL, *FSL),
    "mc-pristine": multi_crop(*FULL, tree="pristine", rows="{lab}/rows.txt"),
    "mc-full": multi_crop(*FULL, rows="{lab}/rows.txt"),
    "mc-off": multi_crop(*SMALL),
    "mc-again": multi_crop(*SMALL),
    "mc-seed-2": multi_crop(*SMALL, seed=2),
    "mc-isl": multi_crop(*SMALL, *ISL),
    "mc-fsl": multi_crop(*SMALL, *FSL),
    "mc-fsl-reference": multi_crop(*SMALL, *FSL, *REFERENCE),
    "mc-both": multi_crop(*SMALL, *ISL, *FSL),
    "mc-both-again": multi_crop(*SMALL, *ISL, *FSL),
    "pus-off": segmentation("_pus", "ppmg"),
    "pus-again": segmentation("_pus", "ppmg"),
    "pus-seed-2": segmentation("_pus", "ppmg", seed=2),
    "final-off": segmentation("", "cyclic_mask"),
    "final-again": segmentation("", "cyclic_mask"),
    "final-seed-2": segmentation("", "cyclic_mask", seed=2),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, require: Callable[[bool, str], None]) -> Lab:
    """Make trees, data, crop labels, segmentation labels and weights once."""
    packages = ("losses", "glue", "mmcv")
    made = open_lab(tmp_path_factory.mktemp("pmm"), "pmm", packages, require)
    made.pristine_and_patched("PMM", "pmm")
    made.checkout("mmseg", "WSSS_MMSeg")
    made.checkout("ScaleNet", "ScaleNet")
    lists = made.checkout("SEAM", "SEAM") / "voc12"
    made.draw(lists, train=IMAGES, val=1, size=SIZE)
    made.tool("random_weights", "--network", "resnet38-torch", "--out", "resnet38.pth")
    structure = ("--structure", "ScaleNet/structures/scalenet101.json")
    made.tool("scalenet", *structure, "--random", "--out", "scalenet101.pth")
    _write_labels(made, lists / "cls_labels.npy")
    return made


@pytest.fixture(scope="module")
def trace(lab: Lab) -> Iterator[Callable[[str], Trace]]:
    """Train each variant once."""
    with training(lab, VARIANTS) as wait:
        yield wait


@pytest.mark.parametrize(
    ("ours", "theirs", "count"),
    [("ms-off", "ms-pristine", IMAGES // 2), ("mc-full", "mc-pristine", EPOCHS)],
)
def test_losses_off_computes_the_same_bits(
    trace: Callable[[str], Trace], ours: str, theirs: str, count: int
) -> None:
    """As pinned, the multi-crop training's new arguments left out."""
    found, expected = trace(ours), trace(theirs)
    assert len(expected.losses) == count
    assert found.losses == expected.losses
    assert found.tensors == expected.tensors


@pytest.mark.parametrize("stage", ["ms", "mc"])
def test_losses_off_imports_nothing_of_ours(trace: Callable[[str], Trace], stage: str) -> None:
    """The switch keeps harness out of the baseline."""
    assert trace(f"{stage}-off").ours == ()
    assert "harness.losses" in trace(f"{stage}-both").ours


@pytest.mark.parametrize("stage", ["ms", "mc"])
@pytest.mark.parametrize("losses", ["isl", "fsl", "both"])
def test_losses_change_what_is_trained(
    trace: Callable[[str], Trace], stage: str, losses: str
) -> None:
    """Each loss is finite and moves the parameters elsewhere than the baseline."""
    found, off = trace(f"{stage}-{losses}"), trace(f"{stage}-off")
    assert len(found.losses) == IMAGES // 2
    assert all(math.isfinite(loss) for loss in found.losses)
    assert found.losses[0] != off.losses[0]
    assert "fc8.weight" in differing(found, off)


@pytest.mark.parametrize("stage", ["ms", "mc"])
def test_exact_mode_agrees_with_reference_mode(trace: Callable[[str], Trace], stage: str) -> None:
    """FSL draws nothing, so that both modes train on equal numbers but for rounding."""
    found, reference = (trace(f"{stage}-fsl{suffix}").losses for suffix in ("", "-reference"))
    assert found == pytest.approx(reference, rel=1e-5)


@pytest.mark.parametrize("stage", ["ms", "mc", "pus", "final"])
def test_the_seed_alone_decides(trace: Callable[[str], Trace], stage: str) -> None:
    """Equal seeds give equal tensors; another seed gives others."""
    head = "state_dict/decode_head.conv_seg.weight" if stage in {"pus", "final"} else "fc8.weight"
    assert trace(f"{stage}-again") == trace(f"{stage}-off")
    assert head in differing(trace(f"{stage}-seed-2"), trace(f"{stage}-off"))


@pytest.mark.parametrize("stage", ["ms", "mc"])
def test_the_seed_alone_decides_with_losses_too(trace: Callable[[str], Trace], stage: str) -> None:
    """What the losses draw comes from the seed."""
    assert trace(f"{stage}-both-again") == trace(f"{stage}-both")


def test_segmentation_starts_from_the_whole_backbone(trace: Callable[[str], Trace]) -> None:
    """Both trainings are finite and run nothing of ours."""
    for name in ("pus-off", "final-off"):
        found = trace(name)
        assert len(found.losses) == SETTINGS["runner.max_iters"]
        assert all(math.isfinite(loss) for loss in found.losses)
        assert found.ours == ()


def test_two_processes_train_and_evaluate_one_model(lab: Lab) -> None:
    """As `final-gpus` launches them, each with half of the batch; gradients are averaged by gloo."""
    work = lab.root / "two"
    shutil.copytree(lab.root / "mmseg", work, symlinks=True)
    variant = segmentation("_pus", "ppmg")
    for place, target in (*variant.links.items(), *VALIDATION.items()):
        (work / place).parent.mkdir(parents=True, exist_ok=True)
        (work / place).symlink_to(lab.here(target))
    settings = json.dumps({**SETTINGS, "data.workers_per_gpu": 1})
    env = {"HARNESS_MMCV_CONFIG": settings, "HARNESS_MMCV_BATCH": "4"}
    argv = [argument for argument in variant.argv if argument != "--no-validate"]
    lab.call("-m", "harness.glue.ranks", "--count", "2", *argv, cwd=work, env=env)
    state = torch.load(work / variant.checkpoint, map_location="cpu", weights_only=True)
    assert all(bool(value.isfinite().all()) for value in state["state_dict"].values())
    (log,) = (work / "out").glob("*.log.json")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["iter"] for line in lines if "mIoU" in line] == [2]


def test_predictions_that_nobody_reads_take_no_memory(lab: Lab) -> None:
    """Collecting them takes three times their size; the hook changes no PNG."""
    kept, kept_pngs = _predict(lab, "kept")
    dropped, dropped_pngs = _predict(replace(lab, packages=(*lab.packages, "mmseg")), "dropped")
    assert kept["peak"] - kept["before"] > 2.5 * kept["data"]
    assert dropped["peak"] - dropped["before"] < 0.5 * dropped["data"]
    assert len(kept_pngs) == PREDICTED
    assert dropped_pngs == kept_pngs


@pytest.mark.parametrize("group", ["2", "process"])
def test_groups_of_two_train_as_eight_processes_of_two(lab: Lab, group: str) -> None:
    """The loss and its gradient of 16 pictures; without groups, both are others."""
    hooked = replace(lab, packages=(*lab.packages, "mmseg"))
    env = {"HARNESS_PUS_GROUP": group}
    found = json.loads(hooked.call("-c", CLAMPS, cwd=lab.root / "mmseg", env=env).splitlines()[-1])
    if group == "2":
        assert found["whole"] == pytest.approx(found["eight"], rel=1e-6)
        assert found["gradients differ by"] < 1e-6
    else:
        assert abs(found["whole"] - found["eight"]) > 0.01
        assert found["gradients differ by"] > 0.01


def _predict(lab: Lab, name: str) -> tuple[dict[str, int], dict[str, bytes]]:
    """What predicting drawn pictures took, and the PNGs."""
    folder = lab.root / name
    argv = (str(PREDICTIONS), str(PREDICTED), str(folder), "--format-only")
    mmseg = {"PYTHONPATH": f"{lab.staged()}:{lab.root / 'mmseg'}"}
    found = lab.call(*argv, cwd=lab.root, env={**ALONE, **mmseg}).splitlines()[-1]
    return json.loads(found), {file.name: file.read_bytes() for file in folder.iterdir()}


def _write_labels(lab: Lab, image_labels: Path) -> None:
    """Label the left half of each picture with its first class, as PNGs and as crop labels."""
    width, height = SIZE
    classes = np.load(image_labels, allow_pickle=True).item()
    names = (lab.root / "lists" / "ids" / "train.txt").read_text().split()
    (lab.root / "rows.txt").write_text("\n".join(names * (ROWS // len(names))))
    for folder in ("masks", "labels"):
        (lab.root / folder).mkdir()
    for name in names:
        half = np.zeros((height, width), np.uint8)
        half[:, : width // 2] = np.flatnonzero(classes[name])[0] + 1
        Image.fromarray(half).save(lab.root / "labels" / f"{name}.png")
    lab.call("-c", MASKS, *names, cwd=lab.root)
