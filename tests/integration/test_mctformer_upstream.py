"""Patched MCTformer against MCTformer as it is pinned; each of its trainings under two seeds.

Three steps of training. Equal means equal: every bit of every loss and of every tensor.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

import pytest

from tests.integration.upstream_lab import MARKS, Lab, Trace, Variant, differing, open_lab, training

pytestmark = MARKS
STEPS = 3
DEIT = "deit_small_patch16_224-cd65a155.pth"
CAM = (
    *("main.py", "--model", "deit_small_MCTformerV2_patch16_224", "--data-set", "VOC12"),
    *("--img-list", "lists", "--data-path", "{lab}/VOC2012", "--output_dir", "."),
    *("--finetune", f"https://dl.fbaipublicfiles.com/deit/{DEIT}", "--input-size", "112"),
    *("--batch-size", "2", "--epochs", "1", "--num_workers", "0"),
)
AFF = (
    *("psa/train_aff.py", "--voc12_root", "{lab}/VOC2012", "--weights", "{lab}/res38.pth"),
    *("--train_list", "{lab}/lists/lines/train.txt", "--la_crf_dir", "{lab}/low"),
    *("--ha_crf_dir", "{lab}/high", "--session_name", "aff", "--batch_size", "2"),
    *("--max_epoches", "1", "--crop_size", "88", "--num_workers", "0"),
)
SEG = (
    *("seg/train_seg.py", "--network", "resnet38_seg", "--list_path", "{lab}/lists/ids/train.txt"),
    *(
        "--img_path",
        "{lab}/VOC2012/JPEGImages",
        "--seg_pgt_path",
        "{lab}/VOC2012/SegmentationClass",
    ),
    *("--init_weights", "{lab}/res38.pth", "--save_path", ".", "--batch_size", "2"),
    *("--num_epochs", "1", "--crop_size", "48"),
)
ISL, FSL = ("--isl_weight", "0.2"), ("--fsl_weight", "1")
REFERENCE = ("--losses_mode", "reference")
FUSED = ("--fsl_map", "fused", "--layer-index", "3")


def cam(tree: str, *arguments: str, seed: int = 0) -> Variant:
    """A training of the CAM network."""
    links = {
        "lists/train_aug_id.txt": "{lab}/lists/ids/trainaug.txt",
        "lists/val_id.txt": "{lab}/lists/ids/val.txt",
    }
    env = {"TORCH_HOME": "{lab}/torch"}
    return Variant(tree, (*CAM, *arguments), "checkpoint.pth", seed=seed, env=env, links=links)


VARIANTS = {
    "pristine": cam("pristine"),
    "off": cam("patched"),
    "again": cam("patched", seed=1),
    "seed-1": cam("patched", seed=1),
    "isl": cam("patched", *ISL),
    "isl-sum": cam("patched", *ISL, "--isl_place", "sum"),
    "isl-reference": cam("patched", *ISL, *REFERENCE),
    "fsl": cam("patched", *FSL),
    "fsl-fused": cam("patched", *FSL, *FUSED),
    "fsl-reference": cam("patched", *FSL, *REFERENCE),
    "both": cam("patched", *ISL, *FSL),
    "both-again": cam("patched", *ISL, *FSL),
    "aff": Variant("patched", AFF, "aff.pth"),
    "aff-again": Variant("patched", AFF, "aff.pth"),
    "aff-seed-2": Variant("patched", AFF, "aff.pth", seed=2),
    "seg-pristine": Variant("pristine", SEG, "model_0.pth"),
    "seg": Variant("patched", SEG, "model_0.pth"),
    "seg-seed-2": Variant("patched", SEG, "model_0.pth", seed=2),
}
#: Random class maps as the CRF writes them: background and the image's classes.
DRAW_CRF = """
import sys, numpy, PIL.Image
labels = numpy.load(sys.argv[1], allow_pickle=True).item()
for name in open("lists/ids/train.txt").read().split():
    width, height = PIL.Image.open(f"VOC2012/JPEGImages/{name}.jpg").size
    for folder in ("low", "high"):
        keys = [0, *(1 + numpy.flatnonzero(labels[name]))]
        maps = {key: numpy.random.rand(height, width).astype("float32") for key in keys}
        numpy.save(f"{folder}/{name}.npy", maps)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, require: Callable[[bool, str], None]) -> Lab:
    """Make trees, data and weights once."""
    made = open_lab(
        tmp_path_factory.mktemp("mct"), "mctformer", ("losses", "metrics", "glue"), require
    )
    made.pristine_and_patched("MCTformer", "mctformer")
    lists = made.checkout("seam", "SEAM") / "voc12"
    made.draw(lists, train=2 * STEPS, val=2, size=(76, 40))
    for network, place in (
        ("deit-small", f"torch/hub/checkpoints/{DEIT}"),
        ("resnet38-torch", "res38.pth"),
    ):
        made.tool("random_weights", "--network", network, "--out", place)
    for folder in ("low", "high"):
        (made.root / folder).mkdir()
    made.call("-c", DRAW_CRF, str(lists / "cls_labels.npy"), cwd=made.root)
    return made


@pytest.fixture(scope="module")
def trace(lab: Lab) -> Iterator[Callable[[str], Trace]]:
    """Train each variant once."""
    with training(lab, VARIANTS) as wait:
        yield wait


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("off", "pristine"),
        ("seg", "seg-pristine"),
        ("again", "seed-1"),
        ("both", "both-again"),
        ("aff", "aff-again"),
    ],
)
def test_the_same_bits(trace: Callable[[str], Trace], ours: str, theirs: str) -> None:
    """Losses off and upstream's own seed: as pinned. Equal seeds: equal."""
    found = trace(ours)
    assert len(found.losses) == STEPS
    assert found == trace(theirs)


@pytest.mark.parametrize(
    ("one", "other", "tensor"),
    [
        ("off", "seed-1", "model/head.weight"),
        ("aff", "aff-seed-2", "f9.weight"),
        ("seg", "seg-seed-2", "fc8_seg_conv2.weight"),
    ],
)
def test_another_seed_gives_another_training(
    trace: Callable[[str], Trace], one: str, other: str, tensor: str
) -> None:
    """Each stochastic step draws by its seed."""
    assert trace(one).losses[0] != trace(other).losses[0]
    assert tensor in differing(trace(one), trace(other))


def test_losses_off_imports_nothing_of_ours(trace: Callable[[str], Trace]) -> None:
    """The switch keeps harness out of the baseline."""
    assert trace("off").ours == ()
    assert "harness.losses" in trace("both").ours


@pytest.mark.parametrize("variant", ["isl", "isl-sum", "fsl", "fsl-fused", "both"])
def test_losses_change_what_is_trained(trace: Callable[[str], Trace], variant: str) -> None:
    """Each loss is finite and moves the parameters elsewhere than the baseline."""
    found, off = trace(variant), trace("off")
    assert all(math.isfinite(loss) for loss in found.losses)
    assert found.losses[0] != off.losses[0]
    assert {"model/head.weight", "model/blocks.0.attn.qkv.weight"} <= differing(found, off)


def test_isl_takes_its_share_of_the_patch_loss_or_of_the_sum(trace: Callable[[str], Trace]) -> None:
    """With equal draws, five times the difference of both is the class loss."""
    patch, both, off = (trace(name).losses[0] for name in ("isl", "isl-sum", "off"))
    assert 0 < 5 * (patch - both) < off


def test_fsl_on_the_fused_map_is_another_loss_and_another_gradient(
    trace: Callable[[str], Trace],
) -> None:
    """The fused map is not the patch classifier's own."""
    assert trace("fsl-fused").losses[0] != trace("fsl").losses[0]
    assert "model/cls_token" in differing(trace("fsl-fused"), trace("fsl"))


def test_exact_mode_agrees_with_reference_mode(trace: Callable[[str], Trace]) -> None:
    """FSL draws nothing, so that both modes train on equal numbers but for rounding."""
    assert trace("fsl").losses == pytest.approx(trace("fsl-reference").losses, rel=1e-5)


def test_isl_draws_of_exact_mode_leave_the_rest_alone(trace: Callable[[str], Trace]) -> None:
    """ISL adds nothing to the first loss but its own draws, in either mode."""
    exact, reference, off = (trace(name).losses[0] for name in ("isl", "isl-reference", "off"))
    assert exact != reference
    assert abs(exact - reference) < 0.1 * off


@pytest.fixture(scope="module")
def walk(lab: Lab) -> Callable[..., dict[str, bytes]]:
    """Random walks with untrained affinities, and CAMs between 0 and 1; the labels by file name."""
    net = "import torch, network.resnet38_aff as aff; torch.save(aff.Net().state_dict(), '{}')"
    made = lab.root / "aff.pth"
    lab.call("-c", net.format(made), cwd=lab.root / "patched" / "psa")
    (lab.root / "cam").mkdir()
    to_cam = (
        "import glob, numpy\n"
        "for file in glob.glob('low/*.npy'):\n"
        "    maps = numpy.load(file, allow_pickle=True).item()\n"
        "    numpy.save(file.replace('low', 'cam'), {key - 1: maps[key] for key in maps if key})\n"
    )
    lab.call("-c", to_cam, cwd=lab.root)

    def run(tree: str, out: str, *arguments: str) -> dict[str, bytes]:
        argv = ["psa/infer_aff.py", "--weights", str(made), "--num_workers", "0"]
        argv += ["--infer_list", str(lab.root / "lists" / "lines" / "train.txt")]
        argv += ["--cam_dir", str(lab.root / "cam"), "--voc12_root", str(lab.root / "VOC2012")]
        lab.call(*argv, "--out_rw", str(lab.root / out), *arguments, cwd=lab.root / tree)
        return {file.name: file.read_bytes() for file in (lab.root / out).iterdir()}

    return run


def test_the_background_score_can_come_from_a_curve(
    lab: Lab, walk: Callable[..., dict[str, bytes]]
) -> None:
    """The best threshold of the scored CAMs, as if given by hand; upstream's own without it."""
    score = ["-m", "harness.metrics.score", "--kind", "cam", "--curve", "--pred", "cam"]
    score += ["--gt", "VOC2012/SegmentationClass", "--list", "lists/ids/train.txt"]
    lab.call(*score, "--out", "scores.json", cwd=lab.root)
    best = json.loads((lab.root / "scores.json").read_text())["extra"]["threshold_J"]
    given = ("--bg_curve", str(lab.root / "scores.json"))
    curve, default = walk("patched", "curve", *given), walk("patched", "default")
    assert len(curve) == 2 * STEPS
    assert curve == walk("pristine", "their-curve", "--bg_thr", str(best))
    assert default == walk("pristine", "their-default")
    assert default != curve
