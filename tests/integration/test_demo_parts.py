"""The demo's two repositories by hand, without the engine: they learn, the losses reach them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue, load_method
from harness.sources.embedded import read_embedded

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "manifests" / "embedded"
BOTH = ("--isl_weight", "0.2", "--fsl_weight", "1.0", "--fsl_sigma", "1.5")


@dataclass(frozen=True)
class Training:
    """The weights file's bytes and the printed losses."""

    weights: bytes
    printed: str


@dataclass(frozen=True)
class Bench:
    """Checkouts, staged packages and drawn data as a step finds them."""

    root: Path

    @property
    def voc(self) -> Path:
        return self.root / "voc"

    def run(self, checkout: str, *argv: str | Path) -> str:
        """Run a script of a checkout as a step would; fails the test with its output."""
        done = subprocess.run(
            [sys.executable, *map(str, argv)],
            cwd=self.root / checkout,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def environment(self) -> Mapping[str, str]:
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "HARNESS_THREADS")
        threads = dict.fromkeys(names, "1")
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.root / "staged"),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HARNESS_SEED": "3",
            "HOME": str(self.root),
            **threads,
        }

    def train_cam(self, name: str, *flags: str, checkout: str = "patched") -> Training:
        """Train two epochs."""
        labels = self.voc / "cls_labels.npy"
        where = self.root / name
        where.mkdir()
        data = ("--voc_root", self.voc, "--labels", labels, "--session_name", where / "cam")
        recipe = ("--epochs", "2", "--seed", "3", *flags)
        printed = self.run(checkout, "train_cls.py", *data, *recipe)
        return Training((where / "cam.pth").read_bytes(), printed)

    def train_final(self, pseudo: Path, save: Path) -> bytes:
        """Train four iterations; return the weights file's bytes."""
        data = ("--root", self.voc, "--pseudo", pseudo, "--save", save)
        self.run("seg", "train.py", *data, "--iterations", "4", "--seed", "3")
        return save.read_bytes()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, require: Callable[[bool, str], None]) -> Bench:
    require(shutil.which("git") is not None, "git is not installed")
    root = tmp_path_factory.mktemp("demo")
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("losses", "glue", "metrics", "readers"):
        staged = root / "staged" / "harness" / package
        shutil.copytree(ROOT / "harness" / package, staged, ignore=ignored)
    # Without it an installed harness would be found first.
    (root / "staged" / "harness" / "__init__.py").touch()
    shutil.copyfile(ROOT / "harness/site/sitecustomize.py", root / "staged/sitecustomize.py")
    for name, source in (("plain", "classifier"), ("patched", "classifier"), ("seg", "segmenter")):
        shutil.copytree(EMBEDDED / source, root / name, ignore=ignored)
    patch = ROOT / "patches" / "demo-classifier" / "losses.patch"
    subprocess.run(
        ["git", "apply", "--unidiff-zero", str(patch)],
        cwd=root / "patched",
        env={"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(root)},
        check=True,
    )
    made = Bench(root)
    sizes = ("--count-train", "12", "--count-val", "4", "--width", "64", "--height", "48")
    made.run(".", "-m", "harness.glue.drawn_voc", "--classes", "3", *sizes, "--out", made.voc)
    return made


@pytest.fixture(scope="module")
def trainings(bench: Bench) -> Mapping[str, Training]:
    """Short trainings of one seed: unpatched, patched without losses, with both, and that again."""
    return {
        "unpatched": bench.train_cam("unpatched", checkout="plain"),
        "none": bench.train_cam("none"),
        "both": bench.train_cam("both", *BOTH),
        "again": bench.train_cam("again", *BOTH),
    }


def test_weights_of_zero_train_what_the_unpatched_script_trains(
    trainings: Mapping[str, Training],
) -> None:
    assert trainings["none"] == trainings["unpatched"]


def test_losses_change_the_training_and_a_seed_repeats_it(
    trainings: Mapping[str, Training],
) -> None:
    assert trainings["again"] == trainings["both"]
    assert trainings["both"].printed != trainings["none"].printed
    assert trainings["both"].weights != trainings["none"].weights


def test_the_chain_runs_to_scores(bench: Bench, trainings: Mapping[str, Training]) -> None:
    assert trainings["both"].weights
    out = bench.root / "both"
    (out / "maps").mkdir()
    labels = bench.voc / "cls_labels.npy"
    data = ("--voc_root", bench.voc)
    weights = ("--labels", labels, "--weights", out / "cam.pth")
    bench.run("patched", "infer_cam.py", *data, *weights, "--out_cam", out / "maps")
    folders = ("--cam_dir", out / "maps", "--out_pseudo", out / "png")
    bench.run("patched", "make_pseudo.py", *data, *folders)
    final = [bench.train_final(out / "png", out / name) for name in ("one.pth", "two.pth")]
    assert final[0].replace(b"one/", b"two/") == final[1]
    files = ("--model", out / "one.pth", "--results", out / "val")
    bench.run("seg", "predict.py", "--root", bench.voc, *files)
    _check_cams(out / "maps", labels)
    for folder, split in (("maps", "train"), ("png", "train"), ("val", "val")):
        _check_scores(bench, out / folder, split)


def _check_cams(folder: Path, labels: Path) -> None:
    vectors = np.load(labels, allow_pickle=True).item()
    cams = sorted(folder.iterdir())
    assert len(cams) == 12
    for path in cams:
        maps = np.load(path, allow_pickle=True).item()
        assert sorted(maps) == np.flatnonzero(vectors[path.stem]).tolist()
        assert all(
            one.dtype == np.float32 and one.min() >= 0 and one.max() <= 1 for one in maps.values()
        )


def _check_scores(bench: Bench, folder: Path, split: str) -> None:
    ids = bench.voc / "ImageSets" / "Segmentation" / f"{split}.txt"
    given = ("--pred", folder, "--gt", bench.voc / "SegmentationClass", "--list", ids)
    out = bench.root / "scores.json"
    more = (
        "--kind",
        "cam" if folder.name == "maps" else "png",
        "--classes",
        "4",
        "--workers",
        "1",
        "--out",
        out,
    )
    bench.run(".", "-m", "harness.metrics.score", *given, *more)
    scores = json.loads(out.read_text())["scores"]
    assert all(0 <= scores[name] <= 100 for name in ("J", "F", "JF"))


def test_the_pins_are_those_of_the_shipped_files() -> None:
    pinned = yaml.safe_load((EMBEDDED / "repos.yaml").read_text())["repositories"]
    assert set(pinned) == {"demo-classifier", "demo-segmenter"}
    for repository in pinned.values():
        found = read_embedded(ROOT / repository["embedded"])
        assert (repository["commit"], repository["tree"]) == (found.commit, found.tree)


def test_the_manifest_is_sound_and_needs_neither_gpu_nor_download() -> None:
    project = ProjectLayout(ROOT)
    method = load_method(project, "demo", load_catalogue(project))
    assert method.stacks == ("host",)
    assert {step.stage for step in method.steps} == {1, 2, 3, 6, 7, 8, 9}
    assert [step.score for step in method.steps if step.score] == ["cam", "pseudo", "final"]
    assert all(step.resources.paper.gpus == 0 for step in method.steps)
    assert not any(
        text.startswith("assets.") for step in method.steps for text in step.inputs.values()
    )
