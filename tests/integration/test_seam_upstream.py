"""Patched SEAM against SEAM as it is pinned, and against the authors' own training script.

Real upstream code in the real environment of stack cu117, three steps of training on drawn pictures
and random weights, on the CPU. Equal means equal: every bit of every loss and of every tensor.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.context import Context, find_cache, find_project
from harness.core.layout import RunLayout
from harness.core.model import RuntimeName, Scale
from harness.engine import packages

HFPL = "1038a68f160c96ab746a7ef117b7ccad138b1397"
STEPS = 3
TRACE = Path(__file__).with_name("seam_trace.py")
REFERENCE = ("--losses_mode", "reference")
ISL, FSL = ("--isl_weight", "0.2"), ("--fsl_weight", "1")
#: Variant -> (tree, script, arguments). The hfpl flags are those of its README.
VARIANTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "pristine": ("pristine", "train_SEAM.py", ()),
    "off": ("patched", "train_SEAM.py", ()),
    "both": ("patched", "train_SEAM.py", ISL + FSL + REFERENCE),
    "isl": ("patched", "train_SEAM.py", ISL + REFERENCE),
    "fsl": ("patched", "train_SEAM.py", FSL + REFERENCE),
    "fsl-exact": ("patched", "train_SEAM.py", FSL),
    "both-exact": ("patched", "train_SEAM.py", ISL + FSL),
    "hfpl-off": ("hfpl", "train_cam_voc.py", ("--loss_weight", "0", "--no-fsl")),
    "hfpl-both": ("hfpl", "train_cam_voc.py", ()),
    "hfpl-isl": ("hfpl", "train_cam_voc.py", ("--no-fsl",)),
    "hfpl-fsl": ("hfpl", "train_cam_voc.py", ("--loss_weight", "0")),
}
pytestmark = [
    pytest.mark.upstream,
    pytest.mark.skipif(
        "HARNESS_MIRROR" not in os.environ,
        reason="HARNESS_MIRROR names no folder of bare upstream repositories",
    ),
]


@dataclass(frozen=True)
class Trace:
    """What one training computed."""

    losses: tuple[float, ...]
    tensors: Mapping[str, str]
    ours: tuple[str, ...]  # modules of harness that it imported


@dataclass(frozen=True)
class Lab:
    """An interpreter, trees, drawn data and random weights to train on."""

    root: Path
    python: str

    def call(self, *argv: str, cwd: Path) -> str:
        """Run the interpreter as a step would be run; its standard output."""
        plain = {"HARNESS_SEED": "1", "HARNESS_THREADS": "1", "HARNESS_CPU_SHIM": "1"}
        plain |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        plain |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(self.root)}
        done = subprocess.run(
            [self.python, *argv],
            cwd=cwd,
            env={"PATH": os.environ["PATH"], **plain, "PYTHONPATH": str(self.staged)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    @property
    def staged(self) -> Path:
        """The folder of container-side packages."""
        return packages.stage(RunLayout(self.root / "runs"), ("losses", "glue", "mxnet"))

    def train(self, variant: str) -> Trace:
        """Train one variant in a tree of its own."""
        tree, script, arguments = VARIANTS[variant]
        work = self.root / f"trained-{variant}"
        work.mkdir()
        for part in (self.root / tree).iterdir():
            (work / part.name).symlink_to(part)
        argv = [str(TRACE), "cam.pth", script, "--session_name", "cam", *arguments]
        argv += ["--voc12_root", str(self.root / "VOC2012"), "--weights", "imagenet.params"]
        argv += ["--train_list", str(self.root / "lists" / "lines" / "train.txt")]
        argv += ["--batch_size", "2", "--max_epoches", "1", "--crop_size", "48"]
        (work / "imagenet.params").symlink_to(self.root / "imagenet.params")
        out = self.call(*argv, "--num_workers", "0", cwd=work)
        found = json.loads(out.splitlines()[-1])
        losses = tuple(float.fromhex(loss) for loss in found["losses"])
        return Trace(losses, found["tensors"], tuple(found["ours"]))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, require: Callable[[bool, str], None]) -> Lab:
    """Make trees, data and weights once."""
    root = tmp_path_factory.mktemp("seam")
    project = find_project(Path(__file__).resolve().parents[2])
    mirror = Path(os.environ["HARNESS_MIRROR"])
    context = Context(
        project=project, layout=RunLayout(root / "runs"), cache=find_cache(), mirror=mirror
    )
    environments = context.environments(RuntimeName.PROCESS)
    built = context.cache.facts(environments.identify("seam", "cu117")).exists()
    require(built, "environment seam/cu117 is not built: harness build seam --runtime process")
    made = Lab(root, environments.ensure("seam", "cu117", root / "build.log").python)
    pin = context.catalogue.repositories["SEAM"]
    for tree, patches in (
        ("pristine", ()),
        ("patched", context.method("seam").repositories["SEAM"]),
    ):
        context.sources.checkout("SEAM", pin, patches, scale=Scale.SMOKE).copy_to(root / tree)
    _archive(mirror / "arvijj" / "hfpl.git", root / "hfpl")
    _make_data(made)
    return made


@pytest.fixture(scope="module")
def trace(lab: Lab) -> Iterator[Callable[[str], Trace]]:
    """Train each variant once, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        started: dict[str, Future[Trace]] = {
            name: pool.submit(lab.train, name) for name in VARIANTS
        }
        yield lambda name: started[name].result()
        pool.shutdown(cancel_futures=True)


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
    moved = {name for name, value in found.tensors.items() if value != off.tensors[name]}
    assert "fc8.weight" in moved


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


def _make_data(lab: Lab) -> None:
    """Draw pictures for ids of SEAM's lists, cut the lists to them, write random weights."""
    lists = lab.root / "pristine" / "voc12"
    draw = ["--labels", str(lists / "cls_labels.npy"), "--train-list", str(lists / "train.txt")]
    draw += ["--val-list", str(lists / "val.txt"), "--count-train", str(2 * STEPS)]
    draw += ["--count-val", "1", "--width", "48", "--height", "40", "--out", "VOC2012"]
    cut = ["--list", f"train={lists / 'train.txt'}", "--images", "VOC2012/JPEGImages"]
    weights = ["--network", "resnet38", "--out", "imagenet.params"]
    for tool, arguments in (
        ("drawn_voc", draw),
        ("lists", [*cut, "--out", "lists"]),
        ("random_weights", weights),
    ):
        lab.call("-m", f"harness.glue.{tool}", *arguments, cwd=lab.root)
