"""Our losses and scores against the authors' own functions, loaded from a mirror at run time."""

from __future__ import annotations

import os
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from harness.losses import (
    cam_from_logits,
    feature_similarity_loss,
    fsl_from_logits,
    importance_sampling_loss,
    isl,
)
from harness.metrics.input_files import THRESHOLDS
from harness.metrics.score import score_folder
from tests.unit.losses.definitions import defined_fsl

COMMIT = "1038a68f160c96ab746a7ef117b7ccad138b1397"
CASES = range(60)
pytestmark = [
    pytest.mark.upstream,
    pytest.mark.skipif(
        "HARNESS_MIRROR" not in os.environ,
        reason="HARNESS_MIRROR names no folder of bare upstream repositories",
    ),
]


def disk(radius: float) -> np.ndarray:
    """Stand in for skimage's disk: 1 where the distance to the centre is at most radius."""
    reach = np.arange(-int(radius), int(radius) + 1)
    return (reach[:, None] ** 2 + reach[None, :] ** 2 <= radius**2).astype(np.uint8)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Import one of the authors' files, with absent libraries that it does not need replaced."""
    folder = tmp_path_factory.mktemp("hfpl")
    repo = Path(os.environ["HARNESS_MIRROR"]) / "arvijj" / "hfpl.git"
    stand_ins = {
        "pandas": types.ModuleType("pandas"),
        "skimage": types.ModuleType("skimage"),
        "skimage.morphology": types.ModuleType("skimage.morphology"),
        "pydensecrf": types.ModuleType("pydensecrf"),
        "pydensecrf.densecrf": types.ModuleType("pydensecrf.densecrf"),
        "pydensecrf.utils": types.ModuleType("pydensecrf.utils"),
    }
    stand_ins["skimage.morphology"].disk = disk  # type: ignore[attr-defined]
    stand_ins["pydensecrf.utils"].unary_from_softmax = None  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        for name, module in stand_ins.items():
            patch.setitem(sys.modules, name, module)
        yield lambda path: _import(repo, path, folder)


def _import(repo: Path, path: str, folder: Path) -> Any:
    command = ["git", "-c", f"safe.directory={repo}", "-C", str(repo), "show", f"{COMMIT}:{path}"]
    text = subprocess.run(command, check=True, capture_output=True).stdout
    file = folder / path.replace("/", "_")
    file.write_bytes(text)
    spec = spec_from_file_location(f"hfpl_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def probutils(load: Callable[[str], Any]) -> Any:
    """Return the authors' two loss functions."""
    return load("tool/probutils.py")


@pytest.fixture(scope="module")
def visualization(load: Callable[[str], Any]) -> Any:
    """Return the authors' map normalisation."""
    return load("tool/visualization.py")


def draw_case(seed: int, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """Draw a batch like SEAM's: image, raw maps with background, labels, mu and sigma."""
    rng = torch.Generator().manual_seed(seed)
    size = [int(torch.randint(3, 14, (1,), generator=rng)) for _ in range(2)]
    batch = 1 + seed % 3
    labels = (torch.rand(batch, 21, generator=rng) < 0.2).to(dtype)
    labels[:, 0] = 1
    return {
        "image": torch.randn(batch, 3, 40, 56, generator=rng, dtype=dtype),
        "logits": 3 * torch.randn(batch, 21, *size, generator=rng, dtype=dtype),
        "labels": labels.view(batch, 21, 1, 1),
        "mu": 1.0 + 0.5 * (seed % 5),
        "sigma": None if seed % 7 == 6 else 1.0 + seed % 6,
    }


def value_and_gradient(loss: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """Return loss(at) and its gradient."""
    point = at.clone().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = loss(point)
    (gradient,) = torch.autograd.grad(value, point)
    return value.detach(), gradient


def seam_term(case: dict[str, Any], logits: Tensor, probutils: Any, visualization: Any) -> Tensor:
    """Compute FSL as the authors' training does: their functions, our arrangement."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        maps = visualization.max_norm(logits) * case["labels"]
    maps[:, 0] = 1 - maps[:, 1:].max(dim=1)[0]
    small = torch.nn.functional.interpolate(
        case["image"], logits.shape[2:], mode="bilinear", align_corners=True
    )
    spread = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    centre = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    args = (small * spread + centre, maps, case["mu"], case["sigma"])
    loss: Tensor = probutils.feature_similarity_loss(*args)
    return loss


@pytest.mark.parametrize("seed", CASES)
def test_reference_mode_equals_hfpl_bit_for_bit(
    seed: int, probutils: Any, visualization: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "reference")
    case = draw_case(seed)
    theirs = value_and_gradient(
        lambda logits: seam_term(case, logits, probutils, visualization), case["logits"]
    )
    ours = value_and_gradient(
        lambda logits: fsl_from_logits(
            case["image"], logits, case["labels"], case["mu"], case["sigma"]
        ),
        case["logits"],
    )
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])


def hfpl_isl(logits: Tensor, labels: Tensor, probutils: Any) -> Tensor:
    """Compute ISL as the authors' training does: their function, our arrangement."""
    foreground = logits[:, 1:].contiguous()
    drawn = probutils.sample_probs(
        probs=torch.sigmoid(foreground) + 1e-5, num_samples=10, logits=foreground
    )
    target = labels[:, 1:].flatten(2)
    return torch.nn.functional.multilabel_soft_margin_loss(drawn, target)


@pytest.mark.parametrize("seed", CASES)
def test_isl_equals_hfpl_bit_for_bit_in_reference_mode(
    seed: int, probutils: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_LOSSES_MODE", "reference")
    case = draw_case(seed)
    torch.manual_seed(seed)
    theirs = value_and_gradient(
        lambda logits: hfpl_isl(logits, case["labels"], probutils), case["logits"]
    )
    torch.manual_seed(seed)
    ours = value_and_gradient(
        lambda logits: isl(logits[:, 1:], case["labels"][:, 1:]), case["logits"]
    )
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("seed", CASES)
def test_isl_with_own_generator_equals_hfpl_for_equal_draws(seed: int, probutils: Any) -> None:
    case = draw_case(seed)
    torch.manual_seed(seed)
    theirs = hfpl_isl(case["logits"], case["labels"], probutils)
    ours = importance_sampling_loss(
        case["logits"][:, 1:],
        case["labels"][:, 1:],
        generator=torch.Generator().manual_seed(seed),
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-6), (torch.float64, 1e-7)])
@pytest.mark.parametrize("seed", CASES)
def test_exact_fsl_equals_hfpl(seed: int, dtype: torch.dtype, rtol: float, probutils: Any) -> None:
    """Ours in either type against theirs in float64: theirs in float32 is off by up to 2e-5."""
    case = draw_case(seed, dtype)
    image = case["image"] / 4 + 0.5
    small = torch.nn.functional.interpolate(image, case["logits"].shape[2:])
    maps = cam_from_logits(case["logits"], case["labels"])
    mu, sigma = case["mu"], case["sigma"]

    def theirs_of(picture: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda y: probutils.feature_similarity_loss(picture, y, mu, sigma)

    theirs = value_and_gradient(theirs_of(small.double()), maps.double())
    ours = value_and_gradient(lambda y: feature_similarity_loss(small, y, mu=mu, sigma=sigma), maps)
    scale = defined_fsl(small, maps, mu, sigma).scale
    for mine, other in zip(ours, theirs, strict=True):
        assert float((mine - other).abs().max()) <= rtol * max(scale, float(other.abs().max()))


def write_case(folder: Path, seed: int) -> list[str]:
    """Draw three images of labels, predictions and CAMs with objects, noise and void."""
    rng = np.random.default_rng(seed)
    for name in ("gt", "png", "cam"):
        (folder / name).mkdir()
    size = (int(rng.integers(20, 70)), int(rng.integers(20, 70)))
    for index in range(3):
        for kind in ("gt", "png"):
            labels = np.zeros(size, dtype=np.uint8)
            for value in rng.choice([1, 2, 7, 20, 255 if kind == "gt" else 3], 3):
                top, left = (int(rng.integers(0, length - 4)) for length in size)
                labels[top : top + int(rng.integers(2, 40)), left : left + 15] = value
            Image.fromarray(labels).save(folder / kind / f"{index}.png")
        keys = [int(key) for key in rng.choice(20, size=index, replace=False)]
        cam = {key: rng.random(size, dtype=np.float32) * 0.6 for key in keys}
        np.save(folder / "cam" / f"{index}.npy", cam, allow_pickle=True)  # type: ignore[arg-type]
    (folder / "list.txt").write_text("0\n1\n2\n")
    return ["0", "1", "2"]


@pytest.mark.parametrize("kind", ["png", "cam"])
@pytest.mark.parametrize("seed", range(25))
def test_scores_equal_hfpl_to_the_printed_digit(
    seed: int,
    kind: str,
    load: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ids = write_case(tmp_path, seed)
    contours, regions = load("contour_fscore.py"), load("eval_cam_voc.py")
    monkeypatch.setattr(contours.np, "bool", np.bool_, raising=False)
    options = [f"--pred_path={tmp_path / kind}", f"--gt_path={tmp_path / 'gt'}"]
    options += [f"--img_list={tmp_path / 'list.txt'}", "--num_classes=20", "--no-verbose"]
    options += ["--is_cam", "--is_seam"] if kind == "cam" else []
    monkeypatch.setattr(sys, "argv", ["contour_fscore.py", *options])
    contours.main()
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    scores = score_folder(tmp_path / kind, tmp_path / "gt", ids, kind=kind, workers=1)
    assert printed.endswith(f"{scores.F:.3f}%")
    number, their_kind = (int(scores.best), "npy") if kind == "cam" else (0, "png")
    theirs = regions.do_python_eval(
        str(tmp_path / kind), str(tmp_path / "gt"), ids, 21, their_kind, THRESHOLDS[number]
    )
    assert f"{theirs['mIoU']:.3f}" == f"{scores.J:.3f}"
