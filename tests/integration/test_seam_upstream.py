"""Patched SEAM against SEAM as it is pinned, and against the authors' own training script.

Three steps of training. Equal means equal: every bit of every loss and of every tensor.
"""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.upstream_lab import MARKS, Lab, Trace, Variant, differing, open_lab, training

pytestmark = MARKS
HFPL = "1038a68f160c96ab746a7ef117b7ccad138b1397"
STEPS = 3
COMMON = (
    *("--session_name", "cam", "--voc12_root", "{lab}/VOC2012", "--weights", "imagenet.params"),
    *("--train_list", "{lab}/lists/lines/train.txt", "--batch_size", "2", "--max_epoches", "1"),
    *("--crop_size", "48", "--num_workers", "0"),
)
REFERENCE = ("--losses_mode", "reference")
ISL, FSL = ("--isl_weight", "0.2"), ("--fsl_weight", "1")


def variant(tree: str, *arguments: str, seed: int = 1) -> Variant:
    """A CAM training: SEAM's script, or hfpl's with the flags of its README."""
    script = "train_cam_voc.py" if tree == "hfpl" else "train_SEAM.py"
    links = {"imagenet.params": "{lab}/imagenet.params"}
    return Variant(tree, (script, *COMMON, *arguments), "cam.pth", seed=seed, links=links)


VARIANTS = {
    "pristine": variant("pristine"),
    "off": variant("patched"),
    "again": variant("patched"),
    "seed-2": variant("patched", seed=2),
    "both": variant("patched", *ISL, *FSL, *REFERENCE),
    "isl": variant("patched", *ISL, *REFERENCE),
    "fsl": variant("patched", *FSL, *REFERENCE),
    "fsl-exact": variant("patched", *FSL),
    "both-exact": variant("patched", *ISL, *FSL),
    "hfpl-off": variant("hfpl", "--loss_weight", "0", "--no-fsl"),
    "hfpl-both": variant("hfpl"),
    "hfpl-isl": variant("hfpl", "--no-fsl"),
    "hfpl-fsl": variant("hfpl", "--loss_weight", "0"),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, require: Callable[[bool, str], None]) -> Lab:
    """Make trees, data and weights once."""
    packages = ("losses", "glue", "mxnet")
    made = open_lab(tmp_path_factory.mktemp("seam"), "seam", packages, require)
    made.pristine_and_patched("SEAM", "seam")
    _archive(Path(os.environ["HARNESS_MIRROR"], "arvijj", "hfpl.git"), made.root / "hfpl")
    made.draw(made.root / "pristine" / "voc12", train=2 * STEPS, val=1, size=(48, 40))
    made.tool("random_weights", "--network", "resnet38", "--out", "imagenet.params")
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
        ("off", "hfpl-off"),
        ("both", "hfpl-both"),
        ("isl", "hfpl-isl"),
        ("fsl", "hfpl-fsl"),
    ],
)
def test_patched_script_computes_the_same_bits(
    trace: Callable[[str], Trace], ours: str, theirs: str
) -> None:
    """Losses off: as pinned. Losses on, in reference mode: as the authors' own script."""
    found, expected = trace(ours), trace(theirs)
    assert len(expected.losses) == STEPS
    assert found.losses == expected.losses
    assert found.tensors == expected.tensors


def test_losses_off_imports_nothing_of_ours(trace: Callable[[str], Trace]) -> None:
    """The switch keeps harness out of the baseline."""
    assert trace("off").ours == ()
    assert "harness.losses" in trace("both").ours


@pytest.mark.parametrize("variant", ["isl", "fsl", "both", "both-exact"])
def test_losses_change_what_is_trained(trace: Callable[[str], Trace], variant: str) -> None:
    """Each loss is finite and moves the parameters elsewhere than the baseline."""
    found, off = trace(variant), trace("off")
    assert all(math.isfinite(loss) for loss in found.losses)
    assert found.losses[0] != off.losses[0]
    assert "fc8.weight" in differing(found, off)


def test_the_seed_alone_decides(trace: Callable[[str], Trace]) -> None:
    """Equal seeds give equal tensors; another seed gives others."""
    assert trace("again") == trace("off")
    assert "fc8.weight" in differing(trace("seed-2"), trace("off"))


def test_exact_mode_agrees_with_reference_mode(trace: Callable[[str], Trace]) -> None:
    """FSL draws nothing, so that both modes train on equal numbers but for rounding."""
    assert trace("fsl-exact").losses == pytest.approx(trace("fsl").losses, rel=1e-5)


def test_isl_draws_of_exact_mode_leave_the_rest_alone(trace: Callable[[str], Trace]) -> None:
    """ISL's own generator: the first loss differs from reference mode by its draws alone."""
    exact, reference, fsl = (trace(name).losses[0] for name in ("both-exact", "both", "fsl"))
    # ISL has a share of 0.1 of the classification loss (0.2 of one of two branches).
    assert abs(exact - reference) < 0.1 * abs(fsl)


def _archive(repository: Path, target: Path) -> None:
    """Unpack what the authors' CAM training needs."""
    target.mkdir()
    wanted = ("network", "tool", "voc12", "train_cam_voc.py")
    git = ["git", "-c", f"safe.directory={repository}", "-C", str(repository)]
    tar = subprocess.run([*git, "archive", HFPL, *wanted], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(target)], input=tar, check=True)
