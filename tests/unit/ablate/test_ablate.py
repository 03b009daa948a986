"""The study of Fig. 7: its oracles, its pictures, its files."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import matplotlib.font_manager  # noqa: F401 - asks a process for the machine's fonts, once: not in a test
import numpy as np
import pytest
import torch
from PIL import Image

from harness.ablate import Options, run, study
from harness.ablate.drawn import drawn_pictures
from harness.ablate.optimise import (
    bounded,
    fixed_image_loss,
    measure,
    optimise,
    study_point,
    unoptimised,
)
from harness.ablate.pictures import Picture, make_picture, rough_map, voc_pictures
from harness.errors import NotReadyError
from harness.losses import feature_similarity_loss
from harness.losses.fsl_closed_form import dense_laplacian
from tests.outputs import valid


def ellipse(size: tuple[int, int] = (600, 800)) -> Picture:
    """Return a picture of a filled ellipse, lighter than its base_image."""
    rows, columns = np.indices(size)
    inside = ((rows - 300) / 180) ** 2 + ((columns - 380) / 250) ** 2 < 1
    image = Image.fromarray(np.where(inside, 200, 40).astype(np.uint8))
    return make_picture("ellipse", image, inside.astype(np.uint8))


def test_a_filled_ellipse_starts_at_half_the_logarithm_of_two() -> None:
    found = unoptimised([ellipse()], Options())
    assert pytest.approx(math.log(2) / 2, abs=0.005) == found.J / 100


def test_rough_map_is_positive_within_1177_standard_deviations() -> None:
    picture = ellipse()
    s = rough_map(picture)
    assert s.shape == picture.size == (60, 80)
    assert s.max() == pytest.approx(1, abs=1e-2)
    # an ellipse's variance is a quarter of its half axis squared
    area = math.pi * 9 * 12.5 * 2 * math.log(2)
    assert (s > 0).sum() == pytest.approx(area, rel=0.02)


def test_void_counts_neither_for_the_map_nor_for_the_region() -> None:
    truth = np.zeros((100, 100), dtype=np.uint8)
    truth[20:60, 30:70] = 1
    image = Image.new("RGB", (100, 100))
    clean = make_picture("clean", image, truth)
    ringed = truth.copy()
    ringed[80:, :] = 255
    void = make_picture("void", image, ringed)
    assert np.array_equal(rough_map(clean), rough_map(void))
    everything = torch.ones(10, 10)
    assert pytest.approx(100 * 1600 / 10000) == measure(everything, clean, Options()).J
    assert pytest.approx(100 * 1600 / 8000) == measure(everything, void, Options()).J


def test_one_pixel_objects_have_a_map() -> None:
    truth = np.zeros((50, 40), dtype=np.uint8)
    truth[13, 17] = 1
    s = rough_map(make_picture("dot", Image.new("RGB", (40, 50)), truth))
    assert np.isfinite(s).all()


def test_known_laplacian_gives_the_loss_and_its_gradient() -> None:
    rng = torch.Generator().manual_seed(3)
    image = torch.rand(2, 3, 7, 9, generator=rng)
    s = torch.randn(2, 7, 9, generator=rng, requires_grad=True)
    for activation in ("sigmoid", "clamp"):
        maps = bounded(s, activation)
        wanted = feature_similarity_loss(image, maps, mu=2.0, sigma=3.0)
        got = fixed_image_loss(dense_laplacian(image, 2.0, 3.0), maps)
        torch.testing.assert_close(got, wanted)
        torch.testing.assert_close(
            *(torch.autograd.grad(loss, s, retain_graph=True)[0] for loss in (got, wanted))
        )


def test_optimising_lowers_the_loss_and_improves_the_map() -> None:
    picture = ellipse()
    image = torch.from_numpy(picture.image)[None]
    start = torch.from_numpy(rough_map(picture))[None]
    options = Options(steps=40, rate=0.2)
    moved = optimise(image, start, (2.5, 5.0), options)
    before, after = (
        float(feature_similarity_loss(image, bounded(s, "sigmoid"))) for s in (start, moved)
    )
    assert after < before
    assert measure(moved[0], picture, options).JF > measure(start[0], picture, options).JF


def test_points_are_repeatable_and_pictures_of_any_size_go_together() -> None:
    pictures = [*drawn_pictures(1, 2), ellipse((600, 800))]
    options = Options(steps=3)
    assert study_point(pictures, 2.5, 5.0, options) == study_point(pictures, 2.5, 5.0, options)


def test_drawn_pictures_follow_the_seed() -> None:
    one, other, third = drawn_pictures(1, 4), drawn_pictures(1, 4), drawn_pictures(2, 4)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, other, strict=True))
    assert not np.array_equal(one[0].image, third[0].image)
    for picture in one:
        assert set(np.unique(picture.truth)) == {0, 1, 255}
        assert picture.size == (24, 32)


def test_files_hold_both_curves_and_name_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "MUS", (2.5, 3.0))
    monkeypatch.setattr(study, "SIGMAS", (2.0, 5.0))
    monkeypatch.setattr(study, "drawn_pictures", lambda seed: drawn_pictures(seed, 2))
    lines: list[str] = []
    found = run(tmp_path / "out", voc=None, options=Options(steps=4), progress=lines.append)
    content = json.loads((tmp_path / "out" / "fig7.json").read_text())
    valid(json.dumps({"schema": 1, "command": "ablate fsl", **found.as_dict()}))
    assert content["best"] == dict(zip(("mu", "sigma"), found.best, strict=True))
    assert content["options"]["steps"] == 4
    assert "activation clamp" in content["sensitivity"]
    with (tmp_path / "out" / "fig7.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["curve"] for row in rows] == ["baseline", "mu", "mu", "sigma", "sigma"]
    assert (tmp_path / "out" / "fig7.png").read_bytes()[1:4] == b"PNG"
    svg = (tmp_path / "out" / "fig7.svg").read_text()
    assert "not optimised" in svg
    assert "40.2 % at 56²" in found.text()
    assert "39.3 % of the plane" in found.text()
    assert "0.0759" in found.text()
    assert "mu = 2.5, sigma = 2" in lines


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """Draw a VOC folder: per class one image of one object and one of two."""
    base = tmp_path / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject"):
        (base / folder).mkdir(parents=True)
    ids = []
    for index in range(1, 21):
        for count in (1, 2):
            name = f"2007_{index:03}{count:03}"
            labels, objects = np.zeros((2, 375, 500), dtype=np.uint8)
            labels[50:200, 60:220] = index
            objects[50:200, 60:220] = 1
            objects[120:200, 60:220] = count
            labels[48:50, 60:220] = objects[48:50, 60:220] = 255
            Image.fromarray(labels).save(base / "SegmentationClass" / f"{name}.png")
            Image.fromarray(objects).save(base / "SegmentationObject" / f"{name}.png")
            Image.new("RGB", (500, 375), (index * 12, 90, 90)).save(
                base / "JPEGImages" / f"{name}.jpg"
            )
            ids.append(name)
    lists = base / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(ids))
    return base


def test_voc_gives_one_single_object_image_per_class(voc: Path) -> None:
    seen: list[str] = []
    pictures = voc_pictures(voc, 1, seen.append)
    assert [picture.name for picture in pictures] == [f"2007_{i:03}001" for i in range(1, 21)]
    assert len(seen) == 40
    assert {picture.size for picture in pictures} == {(38, 50)}
    assert (pictures[0].truth == 255).sum() == 2 * 160


def test_voc_that_lacks_something_is_refused_by_name(voc: Path) -> None:
    (voc / "SegmentationObject" / "2007_003001.png").unlink()
    with pytest.raises(NotReadyError, match="2007_003001"):
        voc_pictures(voc, 1, lambda _: None)
    (voc / "ImageSets" / "Segmentation" / "train.txt").write_text("2007_004002\n2007_005001\n")
    with pytest.raises(NotReadyError, match="no single-object"):
        voc_pictures(voc, 1, lambda _: None)
    (voc / "ImageSets" / "Segmentation" / "train.txt").unlink()
    with pytest.raises(NotReadyError, match=r"train\.txt") as caught:
        voc_pictures(voc, 1, lambda _: None)
    assert "--demo" in caught.value.hint
